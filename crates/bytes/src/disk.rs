//! The one door to files on disk. Only regular files are opened: a named pipe would be waited for without
//! end, a device or socket holds no file of anybody's. Sizes are bounded before memory is taken.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

/// Opens a file for reading; links are followed.
///
/// # Errors
/// What the system says, or that something else than a regular file stands there.
pub fn open(path: &Path) -> io::Result<File> {
    // Asked before, because opening a pipe waits for a writer, and after, because it may be another one.
    refuse(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    refuse(&file.metadata()?)?;
    Ok(file)
}

fn refuse(data: &fs::Metadata) -> io::Result<()> {
    if data.is_file() {
        return Ok(());
    }
    let kind =
        if data.is_dir() { io::ErrorKind::IsADirectory } else { io::ErrorKind::InvalidInput };
    Err(io::Error::new(kind, "no regular file"))
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// As [`open`], or that the file is larger.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(limit)).unwrap_or(0));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let text = format!("more than {limit} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

/// The same for text.
///
/// # Errors
/// As [`read`], or that it is not UTF-8.
pub fn text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, limit)?)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_file_is_read_up_to_its_limit_and_a_folder_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "12345").unwrap();
        assert_eq!(text(&path, 5).unwrap(), "12345");
        assert_eq!(read(&path, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(open(folder.path()).unwrap_err().kind(), io::ErrorKind::IsADirectory);
        assert_eq!(open(&folder.path().join("no")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_a_device_and_a_socket_are_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let socket = folder.path().join("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        for path in [&*pipe, &*socket, &*link, Path::new("/dev/zero")] {
            let error = read(path, 10).unwrap_err();
            assert_eq!(error.to_string(), "no regular file", "{}", path.display());
        }
    }
}
