// Makes requests with @sendgrid/client, unchanged but for the host. Arguments: base URL, credential. Standard input: a JSON array of
// {"method", "url", "body"?, "subuser"?}. Prints a JSON array of {"status", "body"}, of the refusal where there is one.
const client = require("@sendgrid/client");

const [url, credential] = process.argv.slice(2);
client.setApiKey(credential);
client.setDefaultRequest("baseUrl", url + "/");

async function answered({ method, url: path, body, subuser }) {
  client.setImpersonateSubuser(subuser || "");
  try {
    const [response, content] = await client.request({ method, url: path, body });
    return { status: response.statusCode, body: content };
  } catch (error) {
    return { status: error.code, body: error.response && error.response.body };
  }
}

(async () => {
  const found = [];
  for (const each of JSON.parse(require("fs").readFileSync(0, "utf8"))) found.push(await answered(each));
  console.log(JSON.stringify(found));
})();
