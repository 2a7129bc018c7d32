"""Every identifier of the public advisories and threads about scanners of models that has a test here."""

from __future__ import annotations

_GHSA = """
3329-ghmp-jmv5 3gf5-cxq9-w223 3vg9-h568-4w9m 4675-36f9-wf6r 46h3-79wf-xr6c 49gj-c84q-6qm9 4r9r-ch6f-vxmx
4whj-rm5r-c2v8 565g-hwwr-4pp3 5cxw-w2xg-2m8h 5hvc-6wx8-mvv4 5hwf-rc88-82xm 5j3x-jp52-966f 5qwp-399c-mjwf
6556-fwc2-fg2p 655q-fx9r-782v 6ggj-6f2q-f7mx 6vqj-c2q5-j97w 6w4w-5w54-rjvr 769v-p64c-89pr 7cq8-mj8x-j263
7q5r-7gvp-wc82 7wx9-6375-f5wh 84r2-jw7c-4r5q 86cj-95qr-2p4f 8r4j-24qv-fmq9 955r-x9j8-7rhh 9726-w42j-3qjr
97f8-7cmv-76j2 9gvj-pp9x-gcfr 9m3x-qqw2-h32h 9w88-8rmg-7g2p 9xph-j2h6-g47v cffc-mxrf-mhh4 cffv-grgg-g429
cj3c-v495-4xqh f4x7-rfwp-v3xw f54q-57x4-jg88 f745-w6jp-hpxx f7qq-56ww-84cr fphw-536r-4p88 fqq6-7vqf-w3fg
g344-hcph-8vgg g38g-8gr9-h9xp h3qp-7fh3-f8h4 h4rm-mm56-xf63 hgrh-qx5j-jfwx j343-8v2j-ff7w jgw4-cr84-mqxg
jhph-76pp-mggw m273-6v24-x4m4 m6fh-58r7-x697 m7j5-r2p5-c39r m869-42cg-3xwr mhc9-48gj-9gp3 mjqp-26hc-grxg
mxhj-88fx-4pcv p523-jq9w-64x9 p9w7-82w4-7q8m pc6j-px3p-rrj4 q5qq-mvfm-j35x q77w-mwjj-7mqx r48f-3986-4f9c
r7v6-mfhq-g3m2 r8g5-cgf2-4m4m rrxm-2pvv-m66x v7x6-rv5q-mhwc vqmv-47xg-9wpr vr7h-p6mm-wpmh vv6j-3g6g-2pvj
vvpj-8cmc-gx39 w8jq-xcqf-f792 wccx-j62j-r448 wfq2-52f7-7qvj x696-vm39-cp64 x843-g5mx-g377 xp4f-hrf8-rxw7
"""
_CVE = """
2022-21797 2024-34997 2024-37065 2025-10155 2025-10156 2025-10157 2025-1716 2025-1889 2025-1944 2025-1945
2025-32434 2025-54412 2025-54413 2025-54886 2026-22608 2026-24747 2026-56315
"""
# Threads and changes without an identifier of their own.
_THREADS = """
fickling-196 fickling-312 fickling-317 modelscan-263 modelscan-330 modelscan-338 modelscan-345 modelscan-356
picklescan-0.0.12 picklescan-0.0.13 picklescan-0.0.32 picklescan-1.0.5 ssl numpy.testing
"""

IDS = (
    *(f"GHSA-{each}" for each in _GHSA.split()),
    *(f"CVE-{each}" for each in _CVE.split()),
    *_THREADS.split(),
)
