// Verifies a Sigstore bundle with the verifier of sigstore-js and one public key: node verify_bundle.mjs BUNDLE KEY.pem
// The packages @sigstore/bundle and @sigstore/verify are looked for in the folder that SIGSTORE_JS names.
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.SIGSTORE_JS, 'package.json'));
const { bundleFromJSON } = require('@sigstore/bundle');
const { Verifier, toSignedEntity } = require('@sigstore/verify');

const [bundlePath, keyPath] = process.argv.slice(2);
const bundle = bundleFromJSON(JSON.parse(readFileSync(bundlePath, 'utf8')));
const hint = bundle.verificationMaterial.content.publicKey.hint;
const key = createPublicKey(readFileSync(keyPath));
const material = {
  certificateAuthorities: [],
  timestampAuthorities: [],
  tlogs: [],
  ctlogs: [],
  publicKey: (asked) => {
    if (asked !== hint) throw new Error(`unknown key ${asked}`);
    return { publicKey: key, validFor: () => true };
  },
};
new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 }).verify(toSignedEntity(bundle));
console.log('verified');
