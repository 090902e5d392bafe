//! Where words go: data to stdout, everything else to stderr, colour only where it is taken.

use std::io::{self, Write as _};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};

use super::Failure;
use super::arguments::Color;
use crate::reporter::Format;

/// Prints an error and what to do about it.
pub fn failure(message: &str, help: Option<&str>) {
    let red = anstyle::Style::new().bold().fg_color(Some(anstyle::AnsiColor::Red.into()));
    let bold = anstyle::Style::new().bold();
    let mut stderr = anstream::stderr().lock();
    // Nowhere is left to report to if stderr is closed.
    let _ = writeln!(stderr, "{red}error{red:#}: {message}");
    if let Some(help) = help {
        let _ = writeln!(stderr, "{bold}help{bold:#}: {help}");
    }
}

/// Prints how a run went, beside its data.
pub fn note(message: &str) {
    // Nowhere is left to report to if stderr is closed.
    let _ = writeln!(anstream::stderr(), "{message}");
}

/// Prints something that the user should know and that does not end the run.
pub fn warning(message: &str) {
    let yellow = anstyle::Style::new().bold().fg_color(Some(anstyle::AnsiColor::Yellow.into()));
    // Nowhere is left to report to if stderr is closed.
    let _ = writeln!(anstream::stderr(), "{yellow}warning{yellow:#}: {message}");
}

/// Whether stdout takes colour under this choice.
pub fn colored(choice: Color) -> bool {
    match choice {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => AutoStream::choice(&io::stdout()) != ColorChoice::Never,
    }
}

/// Columns of the terminal, 80 where it is none, at most 120.
pub fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let measured = columns.or_else(|| {
        let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
        Some(usize::from(width.0))
    });
    measured.unwrap_or(80).clamp(40, 120)
}

/// Writes data to stdout. A reader that has gone away is not an error.
pub fn stdout(data: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(data).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::text(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes what `make` lays out to the place that `FORMAT[=FILE]` names; for a terminal without one.
pub fn in_format(
    asked: Option<&str>,
    make: impl FnOnce(Format) -> Result<String, Failure>,
) -> Result<(), Failure> {
    let (name, path) = match asked.unwrap_or("human").split_once('=') {
        Some((_, "")) => return Err(Failure::text("--format: the file is missing")),
        Some((name, path)) => (name, Some(Path::new(path))),
        None => (asked.unwrap_or("human"), None),
    };
    let format: Format = name.parse()?;
    if !matches!(format, Format::Human | Format::Json | Format::Html) {
        return Err(Failure::text(format!("--format {name}: this has human, json and html")));
    }
    let text = make(format)?;
    match path {
        Some(path) => file(path, text.as_bytes()),
        None => stdout(text.as_bytes()),
    }
}

/// Writes a file whole or not at all.
pub fn file(path: &Path, data: &[u8]) -> Result<(), Failure> {
    let failed =
        |error: io::Error| Failure::text(format!("cannot write {}: {error}", path.display()));
    // A device or a pipe is written to; replaced by a file, `/dev/null` would be gone for everybody.
    if std::fs::metadata(path).is_ok_and(|data| !data.is_file()) {
        return std::fs::write(path, data).map_err(failed);
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".custody-")
        .permissions_of_a_new_file()
        .tempfile_in(folder)
        .map_err(failed)?;
    file.write_all(data).map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}

/// A temporary file gets mode 600; what replaces a document gets what a new file would get.
trait NewFileMode {
    fn permissions_of_a_new_file(&mut self) -> &mut Self;
}

impl NewFileMode for tempfile::Builder<'_, '_> {
    #[cfg(unix)]
    fn permissions_of_a_new_file(&mut self) -> &mut Self {
        use std::os::unix::fs::PermissionsExt as _;
        // The process's umask still applies when the file is created.
        self.permissions(std::fs::Permissions::from_mode(0o666))
    }
    #[cfg(not(unix))]
    fn permissions_of_a_new_file(&mut self) -> &mut Self {
        self
    }
}
