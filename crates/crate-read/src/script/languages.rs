//! The words by which languages fetch, decode and run.

use super::Language;

/// The words of a language.
pub(super) struct Words {
    pub fetch: &'static [&'static str],
    pub decode: &'static [&'static str],
    /// Run their argument as code.
    pub evaluate: &'static [&'static str],
    /// Start the program, or the line of a shell, that their first argument names.
    pub start: &'static [&'static str],
    /// The whole environment.
    pub environment: &'static [&'static str],
    pub comment: &'static str,
}

const PYTHON: Words = Words {
    fetch: &[
        "urlopen",
        "urlretrieve",
        "requests.",
        "httpx.",
        "urllib3",
        "aiohttp",
        "socket.socket",
        "create_connection",
        "HTTPSConnection",
        "HTTPConnection",
        "ftplib",
        "wget.download",
        "hf_hub_download",
        "smtplib",
        "paramiko",
    ],
    decode: &[
        "b64decode",
        "b32decode",
        "b85decode",
        "a85decode",
        "decompress(",
        "unhexlify",
        "fromhex",
        "codecs.decode",
        "[::-1]",
        "marshal.loads",
        "decrypt(",
        "decodebytes",
        "bytes(map",
        "chr(",
    ],
    evaluate: &["exec(", "eval(", "runpy.", "__import__(", "exec_module(", "pickle.loads("],
    start: &[
        "os.system(",
        "os.popen(",
        "subprocess.",
        "Popen(",
        "check_call(",
        "check_output(",
        "os.exec",
        "os.spawn",
        "os.startfile(",
        "CDLL(",
        "pty.spawn(",
    ],
    environment: &[
        "(os.environ)",
        "dict(os.environ",
        "environ.items()",
        "str(os.environ",
        "environ.copy()",
    ],
    comment: "#",
};

const SCRIPT: Words = Words {
    fetch: &[
        "fetch(",
        "https.get(",
        "http.get(",
        "https.request(",
        "http.request(",
        "axios",
        "got(",
        "require('http",
        "require(\"http",
        "net.connect(",
        "net.createConnection(",
        "XMLHttpRequest",
        "node-fetch",
        "undici",
        "WebSocket(",
        "dns.resolve",
        "dns.lookup",
    ],
    decode: &[
        "'base64')",
        "\"base64\")",
        "atob(",
        "'hex')",
        "\"hex\")",
        "inflateSync(",
        "gunzipSync(",
        "unzipSync(",
        "brotliDecompressSync(",
        "createDecipher",
        "fromCharCode",
        "unescape(",
        "reverse().join",
    ],
    evaluate: &[
        "eval(",
        "(eval)",
        "new Function(",
        "Function(",
        "vm.run",
        "runInThisContext(",
        "runInNewContext(",
        "_compile(",
        "import(",
    ],
    start: &["execSync(", "spawnSync(", "spawn(", "execFile(", "execFileSync(", "fork(", ".exec("],
    environment: &[
        "stringify(process.env)",
        "(process.env)",
        "entries(process.env",
        "...process.env",
    ],
    comment: "//",
};

const PERL: Words = Words {
    fetch: &["IO::Socket", "LWP::", "HTTP::Tiny", "getstore(", "->get(", "Net::", "WWW::Mechanize"],
    decode: &["unpack", "decode_base64", "pack(", "pack \"", "uncompress(", "Inflate", "decrypt("],
    evaluate: &["eval ", "eval(", "eval{", "do $", "require $"],
    start: &["system", "exec", "qx", "`", "open("],
    environment: &["%ENV"],
    comment: "#",
};

const RUBY: Words = Words {
    fetch: &[
        "Net::HTTP",
        "open-uri",
        "URI.open",
        "URI.parse",
        "TCPSocket",
        "Faraday",
        "HTTParty",
        "open(\"http",
    ],
    decode: &["unpack", "decode64", "Inflate", "decrypt", ".hex", "pack("],
    evaluate: &["eval ", "eval(", "instance_eval", "class_eval", "Marshal.load"],
    start: &["system", "exec", "spawn", "`", "%x", "Open3.", "IO.popen"],
    environment: &["ENV.to_h", "ENV.to_a", "ENV.inspect", "ENV.each"],
    comment: "#",
};

const POWERSHELL: Words = Words {
    fetch: &[
        "downloadstring",
        "downloadfile",
        "downloaddata",
        "invoke-webrequest",
        "invoke-restmethod",
        "iwr ",
        "irm ",
        "start-bitstransfer",
        "net.webclient",
        "httpclient",
        "tcpclient",
        "curl ",
        "wget ",
        "uploadstring",
        "certutil -urlcache",
    ],
    decode: &[
        "frombase64string",
        "gzipstream",
        "deflatestream",
        "-bxor",
        "[array]::reverse",
        "[char]",
        "securestringtobstr",
    ],
    evaluate: &[
        "iex",
        "invoke-expression",
        "[scriptblock]::create",
        "reflection.assembly]::load",
        "add-type",
        "invoke-command",
    ],
    start: &["start-process", "& ", "saps ", "invoke-item", "rundll32", "msiexec"],
    environment: &["gci env:", "get-childitem env:", "dir env:", "ls env:"],
    comment: "#",
};

pub(super) fn words_of(language: Language) -> &'static Words {
    match language {
        Language::Script => &SCRIPT,
        Language::Perl => &PERL,
        Language::Ruby => &RUBY,
        Language::PowerShell => &POWERSHELL,
        Language::Python | Language::Shell | Language::Batch => &PYTHON,
    }
}
