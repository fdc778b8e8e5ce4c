// A certificate authority for the tests and the demo.
//
// openssl(1) makes all keys and certificates, below one private directory.  The
// keys are P-256, because the tests do hundreds of TLS handshakes at once and
// an RSA handshake costs ten times as much.

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';

const DAYS = 30;
const LOOPBACK_NAMES = ['localhost', '127.0.0.1'];

function openssl(...args) {
  return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

function altNames(names) {
  return [...new Set(names)]
    .map((name) => (isIP(name) ? `IP:${name}` : `DNS:${name}`))
    .join(',');
}

function newKey(keyFile) {
  openssl('genpkey', '-quiet', '-algorithm', 'EC',
          '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', keyFile);
  chmodSync(keyFile, 0o600);
}

class Authority {
  constructor(directory) {
    this.directory = directory;
    this.certFile = path.join(directory, 'ca.pem');
    this.keyFile = path.join(directory, 'ca.key');
  }

  #file(name) {
    return path.join(this.directory, name);
  }

  create(commonName) {
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    newKey(this.keyFile);
    openssl('req', '-x509', '-new', '-key', this.keyFile, '-sha256',
            '-days', String(DAYS), '-subj', `/CN=${commonName}`,
            '-addext', 'basicConstraints=critical,CA:TRUE,pathlen:0',
            '-addext', 'keyUsage=critical,keyCertSign,cRLSign',
            '-out', this.certFile);
  }

  // Makes a key and signs its certificate.  Returns the names of both files.
  #issue(name, extensions) {
    const certFile = this.#file(`${name}.pem`);
    const keyFile = this.#file(`${name}.key`);
    const requestFile = this.#file(`${name}.csr`);
    const extensionFile = this.#file(`${name}.ext`);

    newKey(keyFile);
    openssl('req', '-new', '-key', keyFile, '-subj', `/CN=${name}`,
            '-out', requestFile);
    writeFileSync(extensionFile, extensions.join('\n'));
    openssl('x509', '-req', '-in', requestFile, '-CA', this.certFile,
            '-CAkey', this.keyFile, '-CAcreateserial', '-sha256',
            '-days', String(DAYS), '-extfile', extensionFile,
            '-out', certFile);

    return { certFile, keyFile };
  }

  // Every certificate also names localhost and 127.0.0.1, unless `only` is set:
  // tests of name checks need a certificate for another host.
  issueServer(name, names = [], { only = false } = {}) {
    const all = only ? names : [...LOOPBACK_NAMES, ...names];
    return this.#issue(name, [
      `subjectAltName=${altNames(all)}`,
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      'extendedKeyUsage=serverAuth',
    ]);
  }

  issueClient(name) {
    return this.#issue(name, [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      'extendedKeyUsage=clientAuth',
    ]);
  }
}

// Returns the authority in `directory`, and makes it if there is none.
export function authority(directory, commonName = 'ngx_cigna_module test CA') {
  const ca = new Authority(directory);
  if (!existsSync(ca.certFile)) {
    ca.create(commonName);
  }
  return ca;
}

// Returns the hash of a certificate's public key, for chromium's
// --ignore-certificate-errors-spki-list.  chromium trusts that one key, and
// every other certificate error remains an error.
export function spkiHash(certFile) {
  const publicKey = openssl('x509', '-in', certFile, '-noout', '-pubkey');
  const der = execFileSync('openssl', ['pkey', '-pubin', '-outform', 'DER'],
                           { input: publicKey });
  return execFileSync('openssl', ['dgst', '-sha256', '-binary'], { input: der })
    .toString('base64');
}
