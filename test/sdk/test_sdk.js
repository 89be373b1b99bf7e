// The platform's own client: it gets on with the simulator, and signs as the exporter does.
//
// Environment: DAS_SIM and SEND_REQUESTS (programs), CERTIFICATE and KEY (of 127.0.0.1).
'use strict';
const assert = require('node:assert');
const { execFile, spawn } = require('node:child_process');
const { once } = require('node:events');
const http = require('node:http');
const readline = require('node:readline');
const { after, before, describe, it } = require('node:test');
const { promisify } = require('node:util');

const Credential = require('@alicloud/credentials');
const OpenApi = require('@alicloud/openapi-client');
const Signer = require('@alicloud/openapi-util').default;
const { RuntimeOptions } = require('@alicloud/tea-util');

const KEY = 'testak';
const SECRET = 'testsecret';
const UID = '1000000000000001';
const ROLE = 'acs:ram::1000000000000002:role/exporter';
const REQUESTS = 200;
const KIND = ['--rtt', '0', '--jitter', '0', '--slow-call-fraction', '0', '--foreign-rate', '0',
  '--completion-median', '50ms'];

async function startSimulator() {
  const program = spawn(process.env.DAS_SIM, [...KIND, '--account', `${UID}:${KEY}:${SECRET}`, '--role', ROLE,
    '--tls-cert', process.env.CERTIFICATE, '--tls-key', process.env.KEY],
  { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(readline.createInterface(program.stdout), 'line');
  return { program, host: line.split('//')[1] };
}

async function stopProcess(program) {
  program.kill();
  const [code] = await once(program, 'exit');
  assert.strictEqual(code, 0);
}

// One call of the SDK; the V1 signature is what it calls signature algorithm v2.
function callDas(host, signatureAlgorithm, credential, query) {
  const client = new OpenApi.default(new OpenApi.Config({
    endpoint: host, protocol: 'https', signatureAlgorithm, credential }));
  const params = new OpenApi.Params({
    action: 'GetMySQLAllSessionAsync', version: '2020-01-16', protocol: 'HTTPS', pathname: '/', method: 'POST',
    authType: 'AK', style: 'RPC', reqBodyType: 'formData', bodyType: 'json' });
  return client.callApi(params, new OpenApi.OpenApiRequest({ query }), new RuntimeOptions({}));
}

function credentialOf(secret) {
  return new Credential.default(new Credential.Config({ type: 'access_key', accessKeyId: KEY, accessKeySecret: secret }));
}

function roleCredential(host, secret) {
  return new Credential.default(new Credential.Config({
    type: 'ram_role_arn', accessKeyId: KEY, accessKeySecret: secret, roleArn: ROLE, roleSessionName: 'sdk-test',
    stsEndpoint: host, roleSessionExpiration: 3600 }));
}

async function finishedResult(host, signatureAlgorithm, credential) {
  const query = { InstanceId: 'rm-test1' };
  for (;;) {
    const { body } = await callDas(host, signatureAlgorithm, credential, query);
    if (body.Data.IsFinish) return body.Data;
    query.ResultId = body.Data.ResultId;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function assertFinished(host, signatureAlgorithm, credential) {
  const data = await finishedResult(host, signatureAlgorithm, credential);
  assert.strictEqual(data.State, 'SUCCESS');
  const sum = data.SessionData.UserStats.reduce((total, user) => total + user.TotalCount, 0);
  assert.ok(sum > 0);
  assert.strictEqual(data.SessionData.TotalSessionCount, sum);
}

describe('the SDK and the simulator', () => {
  let simulator;

  before(async () => { simulator = await startSimulator(); });
  after(() => stopProcess(simulator.program));
  for (const [name, algorithm] of [['V3', undefined], ['V1', 'v2']]) {
    it(`a result is finished with ${name}`, () => assertFinished(simulator.host, algorithm, credentialOf(SECRET)));
    it(`a wrong secret is refused with ${name}`, () => assert.rejects(
      callDas(simulator.host, algorithm, credentialOf('wrong'), { InstanceId: 'rm-test1' }),
      { code: 'SignatureDoesNotMatch' }));
    it(`an assumed role gets a result with ${name}`, () => assertFinished(
      simulator.host, algorithm, roleCredential(simulator.host, SECRET)));
  }
  it('a wrong secret assumes no role', () => assert.rejects(
    roleCredential(simulator.host, 'wrong').getCredential(), /SignatureDoesNotMatch|secret is invalid/));
});

// Pairs as the platform decodes them.
function decoded(text) {
  return Object.fromEntries(text.split('&').map((pair) => pair.split('=').map(decodeURIComponent)));
}

function assertSignedV3(request, url) {
  const nothing = Signer.hexEncode(Signer.hash(Buffer.from(''), 'ACS3-HMAC-SHA256'));
  const expected = Signer.getAuthorization({
    method: request.method, pathname: url.pathname, query: decoded(url.search.slice(1)), headers: request.headers },
  'ACS3-HMAC-SHA256', nothing, KEY, SECRET);
  assert.strictEqual(request.headers['x-acs-content-sha256'], nothing);
  assert.strictEqual(request.headers.authorization, expected);
  return JSON.stringify([decoded(url.search.slice(1)), request.headers['x-acs-security-token']]);
}

function assertSignedV1(request, url, form) {
  const { Signature, ...query } = decoded(url.search.slice(1));
  assert.strictEqual(Signature, Signer.getRPCSignature({ ...query, ...decoded(form) }, request.method, SECRET));
  return JSON.stringify([decoded(form), query.SecurityToken]);
}

const RUNNING = { Code: '200', Success: 'true', Data: { State: 'RUNNING', IsFinish: false, ResultId: 'async__1' } };
const ISSUED = { Credentials: { AccessKeyId: 'STS.Issued', AccessKeySecret: 'IssuedSecret', SecurityToken: 'Token',
  Expiration: '2030-01-02T03:04:05Z' } };

// Has the exporter send its requests to a server that checks each and answers with `reply`.
async function assertSigned(api, check, reply) {
  const seen = [];
  let fault;
  const server = http.createServer(async (request, response) => {
    let form = '';
    for await (const part of request) form += part;
    try {
      seen.push(check(request, new URL(request.url, 'http://127.0.0.1'), form));
    } catch (error) {
      fault ??= error;
    }
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(reply));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    await promisify(execFile)(process.env.SEND_REQUESTS,
      [KEY, SECRET, api, `http://127.0.0.1:${server.address().port}`, String(REQUESTS)]);
  } finally {
    server.close();
  }
  if (fault) throw fault;
  assert.strictEqual(seen.length, REQUESTS);
  assert.strictEqual(new Set(seen).size, REQUESTS, 'all of them differ');
}

describe('the SDK and the exporter sign alike', () => {
  it('the calls to DAS', () => assertSigned('das', assertSignedV3, RUNNING));
  it('the calls that assume a role', () => assertSigned('sts', assertSignedV1, ISSUED));
});
