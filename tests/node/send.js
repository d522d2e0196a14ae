// Sends one mail as the README of @sendgrid/mail shows it, but for the host. Arguments: base URL, key, sender, recipient.
// Prints a line of JSON: the status and X-Message-Id, or the status and body of the refusal.
const mail = require("@sendgrid/mail");

const [url, key, from, to] = process.argv.slice(2);
mail.setApiKey(key);
mail.client.setDefaultRequest("baseUrl", url + "/");

const message = {
  to, from,
  subject: "Sending with ScaiSend is fun – ünïcode",
  text: "and easy to do anywhere, even with Node.js",
  html: "<strong>and easy to do anywhere, even with Node.js</strong>",
  categories: ["journey"],
  customArgs: { journey: "node" },
  attachments: [{ content: Buffer.from("attached bytes").toString("base64"), filename: "a.txt", type: "text/plain", disposition: "attachment" }],
};

mail.send(message).then(
  ([response]) => console.log(JSON.stringify({ status: response.statusCode, id: response.headers["x-message-id"] })),
  (error) => console.log(JSON.stringify({ status: error.code, body: error.response && error.response.body })),
);
