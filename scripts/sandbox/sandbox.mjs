// Builds the stand-in for Cigna from its parts.

import { createSecureContext } from 'node:tls';
import { readFileSync } from 'node:fs';

import { authority } from '../lib/ca.mjs';
import { createAuthorizationServer } from './authorization.mjs';
import { completeClient } from './config.mjs';
import { Control } from './control.mjs';
import { FhirServer, FHIR_PATH } from './fhir/server.mjs';
import { Keys } from './keys.mjs';
import { Ledger } from './ledger.mjs';
import { Listener } from './listener.mjs';
import { Markers } from './markers.mjs';
import { Members } from './members.mjs';
import { Modes } from './modes.mjs';
import { Record } from './record.mjs';
import { Store } from './store.mjs';

function certificates({ directory, host, browser_host: browserHost,
                        cert_names: names }) {
  const ca = authority(directory);
  const files = ca.issueServer('sandbox', [host, browserHost, ...names]);
  const tls = { cert: readFileSync(files.certFile),
                key: readFileSync(files.keyFile) };

  createSecureContext(tls);             // throws if the files are broken
  return { tls, caFile: ca.certFile, ...files };
}

function createParts(config) {
  const markers = new Markers(config.marker);
  const parts = {
    markers,
    keys: new Keys(),
    members: new Members(markers, config.members),
    modes: new Modes(),
    record: new Record(),
    store: new Store(),
  };

  parts.ledger = new Ledger(parts.store);
  parts.modes.set(config.modes);
  for (const client of config.clients) {
    parts.store.addClient(completeClient(client, markers));
  }
  return parts;
}

// The handler is set after the server listens: the handler needs the server's
// URLs, and these contain the port.
async function listen(tls, port) {
  const late = { handler: null };
  const listener = new Listener({
    tls, handler: (request, response) => late.handler(request, response),
  });
  return { listener, late, port: await listener.listen(port) };
}

export async function startSandbox(config) {
  const parts = createParts(config);
  const { tls, ...files } = certificates(config);
  const oauth = await listen(tls, config.port);
  const fhir = await listen(tls, config.fhir_port);

  const issuer = `https://${config.browser_host}:${oauth.port}`;
  const fhirBase = `https://${config.host}:${fhir.port}${FHIR_PATH}`;
  const authorization = createAuthorizationServer({
    issuer,
    backChannel: `https://${config.host}:${oauth.port}`,
    ...parts,
  });
  const fhirServer = new FhirServer({ base: fhirBase, issuer, authorization,
                                      ...parts });
  oauth.late.handler = authorization.handler;
  fhir.late.handler = (request, response) =>
    fhirServer.handle(request, response).catch((error) => {
      process.stderr.write(`fhir: ${request.url}: ${error.message}\n`);
      response.writeHead(400).end();
    });

  const applyListenerModes = async () => {
    await oauth.listener.setMode(parts.modes.get('authorization_listener'));
    await fhir.listener.setMode(parts.modes.get('fhir_listener'));
  };
  const control = new Control({ ...parts, authorization, applyListenerModes });
  const controlPort = await control.listen(config.control_port);
  await applyListenerModes();

  return {
    info: {
      issuer,
      ...authorization.endpoints,
      fhirBase,
      smartConfiguration: `${fhirBase}/.well-known/smart-configuration`,
      control: `http://127.0.0.1:${controlPort}`,
      ...files,
      clients: parts.store.clients(),
      markers: parts.markers.all,
      codeMarker: parts.markers.code,
    },
    close: () => {
      oauth.listener.close();
      fhir.listener.close();
      control.close();
      parts.keys.close();
    },
  };
}
