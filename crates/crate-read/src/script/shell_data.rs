//! Programs of a shell script that bring, show, print, put away or send data.

use super::evaluate;
use super::programs;
use super::shell::{Data, Reading};
use super::{End, Origin};

impl Reading {
    pub(super) fn fetch(&mut self, name: &str, texts: &[String], given: &Data, text: &str) -> Data {
        let mut sent = given.clone();
        for argument in texts {
            let file = argument.rsplit_once('@').map_or(argument.as_str(), |(_, file)| file);
            sent.merge(&self.file(file));
            if programs::is_secret_place(argument) {
                sent.secret = Some(text.to_owned());
            }
        }
        if matches!(name, "dig" | "nslookup" | "host") && sent.secret.is_none() {
            // Names that are looked up are no code, but for texts that are asked for.
            let asks = texts.iter().any(|t| t.to_ascii_lowercase().contains("txt"));
            if !asks {
                return Data::default();
            }
        }
        self.act(sent.secret.as_ref(), Origin::Secret, End::Send, text);
        let data = Data { fetched: Some(text.to_owned()), ..Data::default() };
        let named = self.output_file(texts, &data);
        let by_address = matches!(name, "wget" | "wget2" | "aria2c" | "axel")
            || texts.iter().any(|t| is_bundle(t, 'O') && name == "curl");
        if !named && by_address {
            let address = texts.iter().rev().find(|t| t.contains("://") || t.contains('.'));
            if let Some(address) = address {
                let path = address.split(['?', '#']).next().unwrap_or(address);
                self.keep(path.rsplit('/').next().unwrap_or(path), data.clone());
            }
        }
        if matches!(name, "bitsadmin" | "scp" | "rsync" | "sftp" | "git" | "certutil" | "rclone")
            && let Some(last) = texts.last()
        {
            self.keep(last, data.clone());
            self.keep(&format!("{}/", last.trim_end_matches('/')), data.clone());
        }
        data
    }

    /// `-o file`, `-so file`, `--output=file`, `-OutFile file`; whether one is named.
    pub(super) fn output_file(&mut self, texts: &[String], data: &Data) -> bool {
        let mut named = false;
        for (index, argument) in texts.iter().enumerate() {
            let long = argument.strip_prefix("--output").or_else(|| argument.strip_prefix("--out"));
            let target = match long.and_then(|rest| rest.rsplit_once('=')) {
                Some((_, file)) => Some(file.to_owned()),
                None if is_bundle(argument, 'o')
                    || argument == "-O"
                    || is_bundle(argument, 'O')
                    || matches!(argument.as_str(), "--output" | "--output-document" | "-out")
                    || argument.eq_ignore_ascii_case("-outfile") =>
                {
                    texts.get(index + 1).cloned()
                }
                None => argument.strip_prefix("of=").map(str::to_owned),
            };
            if let Some(target) = target.filter(|t| !t.contains("://") && t != "-") {
                self.keep(&target, data.clone());
                named = true;
            }
        }
        named
    }

    pub(super) fn printed(&mut self, name: &str, arguments: &[Data], texts: &[String]) -> Data {
        let mut data = Data::default();
        for argument in arguments {
            data.merge(argument);
        }
        if !arguments.iter().all(|argument| argument.text.is_some()) {
            return data;
        }
        if name == "printf" {
            let (variable, rest) = match texts {
                [flag, variable, rest @ ..] if flag == "-v" => (Some(variable), rest),
                rest => (None, rest),
            };
            let Some((format, given)) = rest.split_first() else { return data };
            data.text = Some(evaluate::printf(format, given));
            if let Some(variable) = variable {
                self.assign(&variable.clone(), data);
                return Data::default();
            }
            return data;
        }
        let plain: Vec<&str> = texts
            .iter()
            .map(String::as_str)
            .skip_while(|t| matches!(*t, "-n" | "-e" | "-ne" | "-en" | "-E"))
            .collect();
        let printed = plain.join(" ");
        data.text = Some(match texts.first().map(String::as_str) {
            Some("-e" | "-ne" | "-en") => evaluate::unescape(&printed),
            _ => printed,
        });
        data
    }

    /// What a program prints that shows files or what comes in.
    pub(super) fn shown(&mut self, texts: &[String], given: &Data, text: &str) -> Data {
        let mut data = Data { text: None, ..given.clone() };
        for argument in texts {
            let held = self.file(argument);
            data.merge(&held);
            if texts.len() == 1 {
                data.text = held.text;
            }
            if programs::is_secret_place(argument) {
                data.secret = Some(text.to_owned());
            }
        }
        data
    }

    /// Files and folders that a program puts data into.
    pub(super) fn placed(&mut self, name: &str, texts: &[String], data: &Data) {
        if data.is_clean() {
            return;
        }
        self.output_file(texts, data);
        let folder = match name {
            "tar" | "bsdtar" | "unzip" | "7z" | "cpio" => {
                let at =
                    texts.iter().position(|t| matches!(t.as_str(), "-C" | "-d" | "--directory"));
                Some(at.and_then(|at| texts.get(at + 1)).map_or(".", String::as_str))
            }
            "cp" | "mv" | "ln" | "install" | "copy" | "move" | "ditto" => {
                texts.last().map(String::as_str)
            }
            _ => None,
        };
        if name == "tee" {
            for target in texts {
                self.keep(target, data.clone());
            }
        }
        if let Some(folder) = folder {
            self.keep(folder, data.clone());
            self.keep(&format!("{}/", folder.trim_end_matches('/')), data.clone());
        }
    }
}

/// Whether an argument is a bundle of short flags that ends with a letter.
fn is_bundle(argument: &str, letter: char) -> bool {
    argument.len() <= 6
        && argument.starts_with('-')
        && !argument.starts_with("--")
        && argument.ends_with(letter)
}
