//! Just enough of the tar format (POSIX ustar) for the layers of stub images.

/// An archive being written.
#[derive(Debug, Default)]
pub(crate) struct Tar(Vec<u8>);

impl Tar {
    /// Adds a file that anybody may read and run.
    pub(crate) fn file(&mut self, path: &str, content: &[u8]) {
        self.header(path, content.len(), b'0', "");
        self.0.extend_from_slice(content);
        self.pad();
    }

    /// Adds an empty folder.
    pub(crate) fn folder(&mut self, path: &str) {
        self.header(path, 0, b'5', "");
    }

    /// Adds a symbolic link.
    pub(crate) fn link(&mut self, path: &str, target: &str) {
        self.header(path, 0, b'2', target);
    }

    /// The finished archive.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }

    fn header(&mut self, path: &str, size: usize, kind: u8, target: &str) {
        let mut head = Vec::with_capacity(512);
        field(&mut head, path, 100);
        field(&mut head, "0000755", 8);
        field(&mut head, "0000000", 8);
        field(&mut head, "0000000", 8);
        field(&mut head, &format!("{size:011o}"), 12);
        field(&mut head, "00000000000", 12);
        let sum_at = head.len();
        head.extend_from_slice(b"        ");
        head.push(kind);
        field(&mut head, target, 100);
        head.extend_from_slice(b"ustar\x0000");
        head.resize(512, 0);
        let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
        head.splice(sum_at..sum_at + 8, format!("{sum:06o}\0 ").bytes());
        self.0.extend_from_slice(&head);
    }

    fn pad(&mut self) {
        let full = self.0.len().div_ceil(512) * 512;
        self.0.resize(full, 0);
    }
}

fn field(head: &mut Vec<u8>, text: &str, width: usize) {
    let start = head.len();
    head.extend(text.bytes().take(width - 1));
    head.resize(start + width, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tar_itself_reads_what_we_write() {
        let mut tar = Tar::default();
        tar.folder("bin/");
        tar.file("bin/hello", b"hello");
        tar.link("bin/hi", "hello");
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("x.tar");
        std::fs::write(&archive, tar.finish()).unwrap();
        let status = std::process::Command::new("tar")
            .current_dir(&folder)
            .args(["xf", "x.tar"])
            .status();
        assert!(status.unwrap().success());
        assert_eq!(
            std::fs::read(folder.path().join("bin/hi")).unwrap(),
            b"hello"
        );
    }
}
