// Key pairs of node:crypto.

import { createPrivateKey, createPublicKey, generateKeyPairSync }
  from 'node:crypto';

// Returns { privateKey, publicKey }, as generateKeyPairSync() does.
//
// The keys are read from PEM, because Node may deadlock otherwise: Node holds
// the lock of a key while it exports the key as a JWK.  If the garbage
// collector then collects the job that made the key, it waits for the same
// lock.
export function keyPair(type, options) {
  const { privateKey, publicKey } = generateKeyPairSync(type, {
    ...options,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });

  return { privateKey: createPrivateKey(privateKey),
           publicKey: createPublicKey(publicKey) };
}
