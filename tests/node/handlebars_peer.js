// Renders JSON lines {template, data} with handlebars.js and SendGrid's helpers as their documentation describes them.
'use strict';
const handlebars = require('handlebars');
const lines = require('readline').createInterface({ input: process.stdin });

const isEmpty = handlebars.Utils.isEmpty;
const truth = (value) => !(!value || isEmpty(value));
const size = (value) => (typeof value === 'string' || Array.isArray(value) ? value.length : 0);

function choose(self, options, answer) {
  if (!options.fn) return answer;
  return answer ? options.fn(self) : options.inverse(self);
}

function equal(a, b) {
  if (a == null || b == null) return a == b;
  if (typeof a === 'object' || typeof b === 'object') return a === b;
  return String(a) === String(b);
}

function conditional(name, least, most, answer) {
  handlebars.registerHelper(name, function (...given) {
    const options = given.pop();
    if (given.length < least || given.length > most) throw new Error(`${name}: wrong number of parameters`);
    return choose(this, options, answer(...given));
  });
}

const toNumber = (value) => (value == null ? NaN : Number(value));
conditional('equals', 2, 2, equal);
conditional('notEquals', 2, 2, (a, b) => !equal(a, b));
conditional('greaterThan', 2, 3, (...g) => (g.length === 3 ? size(g[2]) > toNumber(g[0]) : toNumber(g[0]) > toNumber(g[1])));
conditional('lessThan', 2, 3, (...g) => (g.length === 3 ? size(g[2]) < toNumber(g[0]) : toNumber(g[0]) < toNumber(g[1])));
conditional('and', 2, 50, (...given) => given.every(truth));
conditional('or', 2, 50, (...given) => given.some(truth));
handlebars.registerHelper('length', (value, options) => (options ? size(value) : 0));
handlebars.registerHelper('insert', (...given) => {
  given.pop();
  if (given.length < 1 || given.length > 2) throw new Error('insert: wrong number of parameters');
  const [value, fallback] = given;
  if (value != null && value !== '') return value;
  return typeof fallback === 'string' ? fallback.replace(/^default=/, '') : fallback;
});

lines.on('line', (line) => {
  let answer;
  try {
    const { template, data } = JSON.parse(line);
    answer = { output: handlebars.compile(template)(data) };
  } catch (error) {
    answer = { error: String(error.message) };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
});
