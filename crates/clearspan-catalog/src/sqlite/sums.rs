//! The file of checksums beside the catalog, `catalog.sqlite-sums`.
//!
//! All numbers are little-endian: the eight bytes `CLSPSUMS`, a version (u32, 1), the size of a page (u32), the number of
//! pages (u32), the number of unsettled pages (u32), a number that grows with each writing (u64), a CRC-32 of each page,
//! the unsettled pages in order (u32 each), and a CRC-32 of all that. It is replaced as a whole.
//!
//! A page is unsettled from before a checkpoint until after it. Its checksum is that of what the checkpoint writes, or
//! zero where only the main file will tell.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use super::main_file::beside;

const MAGIC: &[u8; 8] = b"CLSPSUMS";
const VERSION: u32 = 1;
const HEADER: usize = 32;
/// What SQLite takes where nothing is said.
const DEFAULT_PAGE: u32 = 4_096;
/// How much of the main file is read at once.
const READ: usize = 1 << 20;

/// What the pages of the main file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) page_size: u32,
    pub(super) generation: u64,
    /// The first is of page 1.
    pub(super) crcs: Vec<u32>,
    pub(super) unsettled: BTreeSet<u32>,
}

/// Why a file of sums is of no use.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    Damaged,
    /// Of a newer version of this program.
    Newer,
}

impl Sums {
    /// Of a main file as it is.
    pub(super) fn of(main: &File, generation: u64) -> io::Result<Self> {
        let page_size = page_size(main)?;
        let mut crcs = Vec::new();
        read_pages(main, page_size, |_, page| crcs.push(crc32fast::hash(page)))?;
        Ok(Self { page_size, generation, crcs, unsettled: BTreeSet::new() })
    }

    pub(super) fn pages(&self) -> u32 {
        u32::try_from(self.crcs.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn crc(&self, page: u32) -> Option<u32> {
        self.crcs.get((page as usize).checked_sub(1)?).copied()
    }

    pub(super) fn set(&mut self, page: u32, crc: u32) {
        if let Some(place) = (page as usize).checked_sub(1).and_then(|idx| self.crcs.get_mut(idx)) {
            *place = crc;
        }
    }

    /// The pages of the main file that are not what they were written as. Unsettled ones that `wal` holds do not count: they
    /// are read from there.
    pub(super) fn differing(&self, main: &File, wal: &BTreeMap<u32, u32>) -> io::Result<BTreeSet<u32>> {
        let is_exempt = |page: u32| {
            self.unsettled.contains(&page) && (wal.contains_key(&page) || self.crc(page) == Some(0))
        };
        let (mut differing, mut last) = (BTreeSet::new(), 0);
        read_pages(main, self.page_size, |page, bytes| {
            last = page;
            let is_right = match self.crc(page) {
                Some(crc) => bytes.len() == self.page_size as usize && crc32fast::hash(bytes) == crc,
                // What a shorter catalog has left is cut off at the end of a checkpoint.
                None => !self.unsettled.is_empty(),
            };
            if !is_right && !is_exempt(page) {
                differing.insert(page);
            }
        })?;
        differing.extend((last + 1..=self.pages()).filter(|page| !is_exempt(*page)));
        Ok(differing)
    }

    /// `None` where there is no such file.
    pub(super) fn load(path: &Path) -> io::Result<Option<Result<Self, Unusable>>> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(Self::parse(&bytes))),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(err) => Err(err),
        }
    }

    /// Durable when it returns. Who may use `main` may use it.
    pub(super) fn store(&self, path: &Path, main: &File) -> io::Result<()> {
        let temporary = beside(path, ".tmp");
        let mut file = File::create(&temporary)?;
        share_owner(main, &file)?;
        file.write_all(&self.to_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_folder(path)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let unsettled = u32::try_from(self.unsettled.len()).unwrap_or(u32::MAX);
        let mut bytes = MAGIC.to_vec();
        for number in [VERSION, self.page_size, self.pages(), unsettled] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.generation.to_le_bytes());
        for number in self.crcs.iter().chain(&self.unsettled) {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    fn parse(bytes: &[u8]) -> Result<Self, Unusable> {
        let (rest, crc) = bytes.split_last_chunk::<4>().ok_or(Unusable::Damaged)?;
        if crc32fast::hash(rest) != u32::from_le_bytes(*crc) || !rest.starts_with(MAGIC) {
            return Err(Unusable::Damaged);
        }
        let (header, numbers) = rest.split_at_checked(HEADER).ok_or(Unusable::Damaged)?;
        let words: Vec<u32> =
            header.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let &[_, _, version, page_size, pages, unsettled, low, high] = words.as_slice() else {
            return Err(Unusable::Damaged);
        };
        if version > VERSION {
            return Err(Unusable::Newer);
        }
        let numbers: Vec<u32> =
            numbers.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let is_whole = numbers.len() as u64 == u64::from(pages) + u64::from(unsettled);
        if !is_whole || !is_page_size(page_size) {
            return Err(Unusable::Damaged);
        }
        let (crcs, unsettled) = numbers.split_at(pages as usize);
        let generation = u64::from(low) | u64::from(high) << 32;
        Ok(Self {
            page_size,
            generation,
            crcs: crcs.to_vec(),
            unsettled: unsettled.iter().copied().collect(),
        })
    }
}

/// Whether SQLite knows pages of that size.
pub(super) fn is_page_size(bytes: u32) -> bool {
    bytes.is_power_of_two() && (512..=65_536).contains(&bytes)
}

/// As the first page says.
pub(super) fn page_size(main: &File) -> io::Result<u32> {
    let mut bytes = [0; 2];
    match main.read_exact_at(&mut bytes, 16) {
        Ok(()) => {}
        Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => return Ok(DEFAULT_PAGE),
        Err(err) => return Err(err),
    }
    let size = match u16::from_be_bytes(bytes) {
        1 => 65_536,
        size => u32::from(size),
    };
    Ok(if is_page_size(size) { size } else { DEFAULT_PAGE })
}

/// A CRC-32 of one page; zero where the file ends before.
pub(super) fn crc_of_page(main: &File, page_size: u32, page: u32) -> io::Result<u32> {
    let mut bytes = vec![0; page_size as usize];
    let at = u64::from(page.saturating_sub(1)) * u64::from(page_size);
    match main.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(crc32fast::hash(&bytes)),
        Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        Err(err) => Err(err),
    }
}

/// Gives a file beside the main file the owner and the rights of that, as SQLite does with its own: a command may run as
/// another user than the server.
pub(super) fn share_owner(main: &File, file: &File) -> io::Result<()> {
    let (wanted, found) = (main.metadata()?, file.metadata()?);
    if (wanted.uid(), wanted.gid()) != (found.uid(), found.gid()) {
        // Only some may; then the rights have to do.
        let _changed = std::os::unix::fs::fchown(file, Some(wanted.uid()), Some(wanted.gid()));
    }
    if wanted.mode() != found.mode() {
        let _changed = file.set_permissions(wanted.permissions());
    }
    Ok(())
}

/// Makes a new name beside a file, or its removal, durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// The last page may be a part of one.
fn read_pages(main: &File, page_size: u32, mut visit: impl FnMut(u32, &[u8])) -> io::Result<()> {
    let mut buf = vec![0; READ];
    let (mut at, mut page) = (0, 0);
    loop {
        let mut filled = 0;
        while filled < buf.len() {
            match main.read_at(&mut buf[filled..], at) {
                Ok(0) => break,
                Ok(len) => (filled, at) = (filled + len, at + len as u64),
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) => return Err(err),
            }
        }
        for bytes in buf[..filled].chunks(page_size as usize) {
            page += 1;
            visit(page, bytes);
        }
        if filled < buf.len() {
            return Ok(());
        }
    }
}
