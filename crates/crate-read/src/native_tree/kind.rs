//! What a file of a native tree is, by its name, for shell scripts also by its first line.

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// A C or C++ header.
    Header,
    /// C, C++, Objective-C, CUDA or assembler.
    Code,
    /// `configure` and what it is made from: `configure.ac`, `*.m4`.
    Autoconf,
    /// `Makefile`, `Makefile.am`, `Makefile.in`, `*.mk`.
    Make,
    /// `CMakeLists.txt`, `*.cmake`.
    Cmake,
    /// A shell script.
    Shell,
    /// What another build system runs: meson, ninja, scons, gradle, `setup.py`.
    Build,
    /// A file that holds a version and little else.
    Version,
    /// `.gitmodules`.
    Submodules,
}

impl TextKind {
    /// Whether it is C, C++ or assembler, headers included.
    #[must_use]
    pub fn is_code(self) -> bool {
        matches!(self, Self::Header | Self::Code)
    }

    /// Whether a build runs commands that stand in it.
    #[must_use]
    pub fn has_commands(self) -> bool {
        matches!(self, Self::Autoconf | Self::Make | Self::Cmake | Self::Shell)
    }
}

/// The kind of a file; `None` where it is no part of a native tree.
#[must_use]
pub fn kind_of(path: &str, bytes: &[u8]) -> Option<TextKind> {
    let name = path.rsplit('/').next().unwrap_or(path);
    by_name(name).or_else(|| by_extension(name)).or_else(|| by_first_line(bytes))
}

fn by_name(name: &str) -> Option<TextKind> {
    Some(match name {
        "CMakeLists.txt" => TextKind::Cmake,
        "configure" | "configure.ac" | "configure.in" | "config.status" | "config.rpath"
        | "acinclude.m4" | "aclocal.m4" => TextKind::Autoconf,
        "Makefile" | "makefile" | "GNUmakefile" | "Makefile.am" | "Makefile.in" => TextKind::Make,
        "config.guess" | "config.sub" | "ltmain.sh" | "install-sh" | "depcomp" | "missing"
        | "Configure" | "config" | "autogen" | "buildconf" | "bootstrap" => {
            return shell_name(name);
        }
        ".gitmodules" => TextKind::Submodules,
        "meson.build" | "SConstruct" | "SConscript" | "setup.py" | "wscript" => TextKind::Build,
        "VERSION" | "VERSION.txt" | "version.txt" | "VERSION.dat" | ".version"
        | ".tarball-version" => TextKind::Version,
        _ => return None,
    })
}

/// Scripts without an extension; `config` and `Configure` are also the names of other things, so that
/// their first line decides.
fn shell_name(name: &str) -> Option<TextKind> {
    (!matches!(name, "config" | "Configure" | "bootstrap" | "missing")).then_some(TextKind::Shell)
}

fn by_extension(name: &str) -> Option<TextKind> {
    let (stem, extension) = name.rsplit_once('.')?;
    Some(match extension {
        "h" | "hh" | "hpp" | "hxx" | "inl" => TextKind::Header,
        "c" | "cc" | "cpp" | "cxx" | "m" | "mm" | "cu" | "s" | "S" | "asm" => TextKind::Code,
        "m4" | "ac" => TextKind::Autoconf,
        "am" | "mk" | "mak" => TextKind::Make,
        "cmake" => TextKind::Cmake,
        "ninja" | "gradle" | "kts" => TextKind::Build,
        "sh" | "bash" => TextKind::Shell,
        // `config.h.in`, `config.cmake.in`, `foo.sh.in`
        "in" => return by_extension(stem).or_else(|| by_name(stem)),
        _ => return None,
    })
}

fn by_first_line(bytes: &[u8]) -> Option<TextKind> {
    let head = &bytes[..bytes.len().min(128)];
    if !head.starts_with(b"#!") {
        return None;
    }
    let end = memchr::memchr(b'\n', head).unwrap_or(head.len());
    let line = std::str::from_utf8(&head[2..end]).ok()?;
    let mut words = line.split_ascii_whitespace();
    let first = words.next()?.rsplit('/').next()?;
    let program = if first == "env" { words.find(|w| !w.starts_with('-'))? } else { first };
    matches!(program, "sh" | "bash" | "dash" | "ksh" | "zsh").then_some(TextKind::Shell)
}
