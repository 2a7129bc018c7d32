"""Every bound that secureload puts on what it reads, expands, keeps and waits for."""

from __future__ import annotations

from secureload.values import dataclass

__all__ = ["DEFAULT_LIMITS", "Limits"]

_MIB = 1 << 20
_GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """One value with every limit; the unit stands in the name of each field.

    Reaching a limit is never a pass: it is a finding with the limit's name, and the verdict is UNDECIDED.
    """

    # A model that does not fit in memory twice cannot be loaded in a worker anyway.
    artifact_bytes: int = 64 * _GIB
    # A folder of a sharded large model has some hundred members; a data set has more than we should hash.
    folder_members: int = 20_000
    folder_depth: int = 32
    # NAME_MAX of Linux's file systems times the depth that we walk.
    member_name_bytes: int = 4_096

    # One bundle about 2,000 members is 400 kB; a sidecar holds a few of them.
    sidecar_bytes: int = 64 * _MIB
    sidecar_bundles: int = 64
    json_depth: int = 32
    # A bundle has some twenty values. A statement has five for each member, and one for each number of golden rows.
    bundle_items: int = 1_000
    json_items: int = 2_000_000
    # OpenSSH private keys are below 1 kB, trust.toml files of a large bank below 1 MB.
    key_file_bytes: int = 64 * 1024
    trust_toml_bytes: int = 4 * _MIB
    trust_keys: int = 10_000
    # ssh-agent itself holds at most 2,048 keys and speaks of 256 KiB at once; somebody may have to confirm.
    agent_keys: int = 2_048
    agent_answer_bytes: int = 256 * 1024
    agent_wait_seconds: float = 120.0
    # The versions seen of 100,000 models.
    memory_bytes: int = 16 * _MIB
    # A policy is a page of text; the metadata of a model with 10,000 columns is 1 MB.
    policy_bytes: int = 1 * _MIB
    metadata_bytes: int = 16 * _MIB
    # The digests of a folder with as many members as are signed, some two hundred bytes each.
    digest_cache_bytes: int = 64 * _MIB
    # The longest list that ships with the package is 60 kB.
    allow_file_bytes: int = 4 * _MIB

    # deflate cannot exceed 1,032 : 1, and arrays of zeros do reach it; bz2 and xz go far beyond.
    expansion_ratio: int = 1_100
    # A small file may expand this far whatever its ratio.
    expansion_floor_bytes: int = 16 * _MIB
    expanded_bytes: int = 16 * _GIB
    nesting_depth: int = 8
    # Compressed members that hold nothing, some 20 microseconds each: bgzip ends with one, and so does each part of
    # what was put together.
    empty_members: int = 100_000
    # The shards and tensors of a large model are some thousands of members.
    archive_members: int = 50_000
    # Checksums of zip members that are compared: those of all pickles and headers, not those of the weights. CRC-32
    # takes a millisecond a megabyte at the worst.
    zip_checked_member_bytes: int = 4 * _MIB
    zip_checked_bytes: int = 32 * _MIB
    # What a reader that jumps about needs at once of a member that is compressed; streams need none of it.
    spooled_bytes: int = 512 * _MIB
    # One source of a TorchScript archive; those of the largest vision models have some hundred kB.
    torchscript_source_bytes: int = 16 * _MIB
    # JSON inside an artifact: a safetensors header ends at 100 MB by its own rules, a tokenizer has 10 to 40 MB.
    # A value takes up to ten times the bytes of its text.
    json_text_bytes: int = 100_000_000
    json_text_depth: int = 200
    # Its commas, and its brackets and braces, counted before it is parsed: a number takes 32 bytes of memory, an
    # empty list 64, a small object 250. A boosted model of 100 MB has some eight million numbers.
    json_text_items: int = 10_000_000
    json_collections_items: int = 2_000_000
    # Binary structures: protobuf's own parsers stop at a depth of 100. Entries that are read one by one take some
    # microseconds each; rows of equal ones, of which a large forest has millions, count as one.
    structure_depth: int = 100
    structure_items: int = 5_000_000
    # The state of a random generator has 39 digits.
    json_number_chars: int = 1_024
    # A structured model has a tensor or three for each tree, and some for the rest; a node of its JSON is an object,
    # a list or a number. Estimators in estimators are ten levels, and pickle itself ends at a thousand.
    structured_tensors_items: int = 200_000
    structured_nodes_items: int = 10_000_000
    structured_depth: int = 200
    # Pickles found in bytes of no known format; random bytes have none, a concatenation of models some.
    embedded_pickles: int = 256
    # Opcodes stepped over to find them, beyond those that so many bytes have anyway, and what is traced of them.
    embedded_steps: int = 250_000
    # The search takes some seconds a gigabyte; larger files of no known format are searched at both ends, and
    # after so many bytes of one artifact no further member is.
    embedded_search_bytes: int = 1 * _GIB
    # A pax header holds names, times and extended attributes; Linux gives a file 64 kB of those.
    tar_header_bytes: int = 1 * _MIB
    # 50,000 files with names of a hundred characters and their times are 12 MB.
    sevenzip_header_bytes: int = 32 * _MIB
    # numpy refuses to parse more than 10,000 unless told to; 10,000 named columns are 250 kB.
    npy_header_bytes: int = 1 * _MIB

    # The benign files measured name at most some hundred distinct globals.
    trace_globals: int = 20_000
    trace_shapes: int = 50_000
    trace_pickles: int = 100_000
    # joblib before 0.10 wrote one file for each array: a forest of a thousand trees has two thousand.
    trace_side_files: int = 20_000
    # Tensors in a plain pickle, each a file of its own: a large network has some thousands. Their bytes are kept
    # where it is not known where they stand: in a frame of protocol 4, which has 64 kB.
    trace_nested_items: int = 10_000
    trace_nested_bytes: int = 64 * _MIB
    # Plain collections in each other. Python's picklers stop at their recursion limit, a thousand unless somebody
    # raised it, and overflow an 8 MB stack at some 40,000; hash() of a tuple does so at some 100,000.
    collections_depth: int = 10_000
    # What collections that share others stand for, as repr or == would meet it, and as a multiple of what is really
    # there: a million rows that share one table of a thousand words stay below it, "a billion laughs" do not.
    shared_items: int = 100_000_000
    shared_ratio: int = 100_000
    # Keys with one hash in one dictionary or set take quadratic time: these half a million comparisons. Numbers
    # and tuples of them that nobody chose have a hash of their own.
    equal_hash_keys: int = 1_000
    # Text kept of one argument, and of one line of a report.
    trace_text_chars: int = 512
    # Code pickled by value is kept whole, to be shown: the longest function of scikit-learn has 7 kB of it and
    # 109 names, all methods of its largest class together 15 kB.
    trace_code_bytes: int = 64 * 1024
    trace_code_items: int = 1_000
    trace_codes_bytes: int = 4 * _MIB
    trace_findings: int = 1_000
    # Each is looked for from the beginning of its member: the bytes up to all of them together, and how many.
    # A pickle of protocol 0, the slowest, takes a second for 3 MB.
    explained_bytes: int = 128 * _MIB
    explained_findings: int = 50
    # What the second reader keeps of a compressed stream, where a name may be taken out of the memo again.
    walker_kept_bytes: int = 64 * _MIB
    # What it walks opcode by opcode, in all its walks of one stream: a quarter of a microsecond a byte at worst,
    # so that it ends before tracer_cpu_seconds would take the first reader's answer with it.
    walker_slow_bytes: int = 128 * _MIB
    # CPU time of the unpickler: for any stream, and for each megabyte. The slowest opcodes, those of protocol 0,
    # take a third of a second a megabyte; a small model takes a millisecond.
    unpickler_cpu_seconds: float = 4.0
    unpickler_mib_cpu_seconds: float = 1.0
    tracer_memory_bytes: int = 2 * _GIB
    tracer_cpu_seconds: int = 60
    tracer_wall_seconds: float = 90.0
    # Small files share a worker, so that a thousand models cost no thousand processes.
    tracer_batch_files: int = 256
    tracer_batch_bytes: int = 4 * _MIB
    # fickling takes milliseconds for a distilled pickle; what it has said is remembered.
    fickling_wall_seconds: float = 20.0
    # Of the payload itself it reads a forest's 700 calls in 0.7 s; what people send to do harm is small.
    fickling_original_bytes: int = 64 * 1024
    opinions_kept_items: int = 10_000
    # A kind of model is one file of 1 to 30 kB in the user's cache folder.
    opinions_remembered_items: int = 2_000
    opinion_bytes: int = 1 * _MIB
    shapes_kept_items: int = 10_000
    # A worker compares small pickles with those of their kind that it has read; it reads tracer_batch_files of them.
    template_bytes: int = 1 * _MIB
    templates_kept_items: int = 256
    # What the tracer may answer: the distilled trace, never the bulk.
    tracer_reply_bytes: int = 64 * _MIB

    # Importing scikit-learn from a cold disk took up to 4.6 s where this was measured.
    worker_start_seconds: float = 120.0
    worker_load_seconds: float = 300.0
    worker_call_seconds: float = 300.0
    # How long each side looks for the other's message before it sleeps, where the last one came as quickly: a
    # sleeper is awake again after 20 to 60 µs. An answer that takes some milliseconds is expected when the last
    # one came, and looked for this long before and after. 0 lets both sleep at once.
    call_awake_seconds: float = 0.0002
    call_expected_seconds: float = 0.02
    worker_memory_bytes: int = 8 * _GIB
    # A service that loses a worker now and then goes on; one that loses ten in a minute is told why.
    worker_restarts: int = 10
    worker_restart_window_seconds: float = 60.0
    # Each is a process with a copy of the model's arrays.
    worker_replicas: int = 256
    # An abandoned call (asyncio) may end within this time; then its worker is ended, which costs a restart.
    worker_abandoned_seconds: float = 1.0
    worker_threads: int = 64
    worker_open_files: int = 64
    # Shared with the worker, half for requests and half for replies; memory is taken as it is used.
    worker_shared_bytes: int = 1 * _GIB
    # One message to or from the worker: 100,000 rows of 50 doubles are 40 MB.
    message_control_bytes: int = 64 * _MIB
    message_payload_bytes: int = 2 * _GIB
    message_segments: int = 100_000
    message_depth: int = 32
    message_items: int = 10_000_000


DEFAULT_LIMITS = Limits()
