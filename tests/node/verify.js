// Verifies signed posts of events with the official package: JSON cases on stdin, a JSON array of verdicts on stdout.
const fs = require('fs');
const { EventWebhook } = require('@sendgrid/eventwebhook');

const verdicts = JSON.parse(fs.readFileSync(0, 'utf8')).map(({ key, body, signature, timestamp }) => {
  const webhook = new EventWebhook();
  return webhook.verifySignature(webhook.convertPublicKeyToECDSA(key), body, signature, timestamp);
});
process.stdout.write(JSON.stringify(verdicts));
