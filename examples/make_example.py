"""Make examples/pipeline.joblib, sign it, and trust its key in keys/.

The private key is made for this one signature, lives in the memory of this process, and ends with it. Running
this again therefore makes a new key and replaces the old one in keys/: a rotation without an overlap.
"""

from __future__ import annotations

from pathlib import Path

import joblib
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import secureload
from secureload.signing.keys import SigningKey, encode_public_key
from secureload.signing.truststore import TrustedKey, TrustStore, encode_trust_toml

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "examples" / "pipeline.joblib"
KEYS = ROOT / "keys"
HEADER = """\
# Whom this project trusts for what. The keys stand in the .pub files beside this one; see README.md.

"""


def main() -> None:
    features, target = load_iris(return_X_y=True)
    model = make_pipeline(StandardScaler(), PCA(n_components=2), LogisticRegression())
    joblib.dump(model.fit(features, target), MODEL)
    key = SigningKey.generate("example")
    MODEL.with_name(MODEL.name + ".sig").unlink(missing_ok=True)
    secureload.sign(MODEL, key=key, name="pipeline.joblib", version="1.0")
    entry = TrustedKey("example", key.public, frozenset({"signer"}), ("pipeline*",))
    (KEYS / entry.filename).write_bytes(encode_public_key(key.public))
    store = encode_trust_toml(TrustStore((entry,)))
    (KEYS / "trust.toml").write_text(HEADER + store, encoding="utf-8")
    print(f"{MODEL.name}: {MODEL.stat().st_size:,} bytes, signed with {key.public.fingerprint}")


if __name__ == "__main__":
    main()
