//! A zip file made by hand, nothing compressed, for workbooks of a few cells.

/// The files with their names, one behind another (APPNOTE.TXT sections 4.3.7, 4.3.12, 4.3.16).
pub(super) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let mut sum = flate2::Crc::new();
        sum.update(text.as_bytes());
        let size = (text.len() as u32).to_le_bytes();
        let mut about = Vec::new();
        // Version, flags, method, time, date.
        about.extend_from_slice(&[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0]);
        about.extend_from_slice(&sum.sum().to_le_bytes());
        about.extend_from_slice(&size);
        about.extend_from_slice(&size);
        about.extend_from_slice(&(name.len() as u16).to_le_bytes());
        about.extend_from_slice(&[0, 0]);

        directory.extend_from_slice(b"PK\x01\x02\x14\0");
        directory.extend_from_slice(&about);
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&(out.len() as u32).to_le_bytes());
        directory.extend_from_slice(name.as_bytes());

        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&about);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    let (count, begun) = ((files.len() as u16).to_le_bytes(), out.len() as u32);
    let length = (directory.len() as u32).to_le_bytes();
    out.append(&mut directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&count);
    out.extend_from_slice(&count);
    out.extend_from_slice(&length);
    out.extend_from_slice(&begun.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}
