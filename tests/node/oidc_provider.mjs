// The certified OpenID provider of npm (oidc-provider) on loopback, with its own pages for login and consent.
//
//   node oidc_provider.mjs '{"port": …, "client": {…}, "accounts": {"ann": {claims}}, "jwt": true}'
//
// Prints "ready" when it listens. On standard input: "rotate" signs with a new key from then on, "forget" publishes no other any
// more; each is answered by a line with the key ids that are published.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

const given = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${given.port}`;
// What was issued outlives the change of keys, for which the provider is made anew.
const shelf = new Map();
let keys = [];
let answer;

class Shelf {
  constructor(model) {
    this.prefix = `${model}:`;
  }

  async upsert(id, payload) {
    shelf.set(this.prefix + id, payload);
  }

  async find(id) {
    return shelf.get(this.prefix + id);
  }

  async findByUid(uid) {
    return [...shelf].find(([key, payload]) => key.startsWith(this.prefix) && payload.uid === uid)?.[1];
  }

  async consume(id) {
    shelf.get(this.prefix + id).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    shelf.delete(this.prefix + id);
  }

  async revokeByGrantId(grantId) {
    for (const [key, payload] of shelf) if (payload.grantId === grantId) shelf.delete(key);
  }
}

let made = 0;

function makeKey() {
  const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
  return { ...key, kid: `key-${++made}`, alg: "RS256", use: "sig" };
}

function build() {
  const accounts = given.accounts;
  const provider = new Provider(issuer, {
    adapter: Shelf,
    clients: [given.client],
    jwks: { keys },
    cookies: { keys: ["a", "b"] },
    // What a person is here belongs to every login, as with ScaiKey.
    claims: { openid: ["sub", "tenant_id", "partner_id", "role"], email: ["email"], profile: ["name"] },
    conformIdTokenClaims: false,
    findAccount: (context, id) => (accounts[id] ? { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) } : undefined),
    features: {
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => (given.jwt ? "urn:scaisend" : undefined),
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: "", audience: given.client.client_id, accessTokenFormat: "jwt", jwt: { sign: { alg: "RS256" } } }),
      },
    },
    extraTokenClaims: (context, token) => accounts[token.accountId],
    rotateRefreshToken: true,
    ttl: { AccessToken: given.lasts_s ?? 600, IdToken: given.lasts_s ?? 600, Session: 86400, Grant: 86400, Interaction: 600, RefreshToken: 86400 },
    renderError: (context, out, error) => {
      context.type = "text";
      context.body = JSON.stringify({ ...out, stack: String(error.stack) });
    },
  });
  answer = provider.callback();
}

keys = [makeKey()];
build();
createServer((request, response) => answer(request, response)).listen(given.port, "127.0.0.1", () => console.log("ready"));
createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "rotate") keys = [makeKey(), ...keys];
  if (line === "forget") keys = keys.slice(0, 1);
  build();
  console.log(keys.map((key) => key.kid).join(" "));
}).on("close", () => process.exit(0));
