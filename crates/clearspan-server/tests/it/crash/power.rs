//! A power cut on a real file system: an ext4 image whose backing file is copied while clients send.
//!
//! What the file system has not written to its device is not in the copy, as after a cut. The server is stopped (SIGSTOP) for
//! the copy, so that the image is of one moment. `CLEARSPAN_POWER_CUTS` sets how many cuts (2 unless told otherwise); where
//! this process may not mount, the test says so and ends: the store's own tests cut the power of a simulated disk. Those
//! have the control, a disk whose syncs do nothing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;

use super::clients::Clients;
use super::ledger::Violation;
use super::list_all;
use super::process::ServerProcess;

const IMAGE_BYTES: u64 = 192 << 20;
/// After so many cuts a new disk is begun: each looks for everything that was ever acknowledged.
const CUTS_OF_A_DISK: usize = 5;

/// A mounted image.
struct Mounted(PathBuf);

impl Mounted {
    /// `None` where this process may not mount.
    fn mount(image: &Path, dir: &Path) -> Option<Self> {
        std::fs::create_dir_all(dir).expect("the folder can be made");
        run("mount", &["-o".as_ref(), "loop".as_ref(), image, dir]).then(|| Self(dir.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: a server may still be ending.
        run("umount", &["-l".as_ref(), &self.0]);
    }
}

fn run(program: &str, args: &[&Path]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

fn signal(server: &ServerProcess, name: &str) {
    let kill = format!("kill -{name} {}", server.pid());
    assert!(Command::new("sh").args(["-c", &kill]).status().is_ok_and(|status| status.success()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_runs_survive_a_power_cut_of_a_real_file_system() {
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, not a setting")]
    let cuts = std::env::var("CLEARSPAN_POWER_CUTS").ok().and_then(|text| text.parse().ok());
    let cuts: usize = cuts.unwrap_or(2);
    let mut checked = 0;
    for first in (0..cuts).step_by(CUTS_OF_A_DISK) {
        let of_disk = first..cuts.min(first + CUTS_OF_A_DISK);
        let Some(more) = cut_and_check(of_disk).await else {
            eprintln!("skipped: this process may not mount an image");
            return;
        };
        checked += more;
    }
    eprintln!("{cuts} power cuts, {checked} acknowledged runs looked for, none lost");
    assert!(checked > 0, "nothing was acknowledged before a cut; the test shows nothing");
}

/// Cuts the power of a server on a disk of its own. Returns how many acknowledged runs were looked for, those of each cut; `None`
/// where no image can be mounted.
async fn cut_and_check(cuts: std::ops::Range<usize>) -> Option<usize> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (image, copy) = (folder.path().join("disk.img"), folder.path().join("copy.img"));
    let file = std::fs::File::create(&image).expect("the image can be made");
    file.set_len(IMAGE_BYTES).expect("the image can be that long");
    let made = run("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), &image]);
    let disk = made.then(|| Mounted::mount(&image, &folder.path().join("disk"))).flatten()?;
    let server = ServerProcess::start_on(&disk.0).await;
    let clients = Arc::new(Clients::new(server.url()));
    let mut senders = JoinSet::new();
    let seed = 7 + cuts.start as u64;
    for number in 0..4 {
        let clients = Arc::clone(&clients);
        senders.spawn(async move { clients.send_until_stopped(seed, number).await });
    }
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut checked = 0;
    for cut in cuts {
        tokio::time::sleep(Duration::from_millis(rng.random_range(300..1_500))).await;
        let ledger = clients.ledger_now();
        signal(&server, "STOP");
        let copied = std::fs::copy(&image, &copy);
        signal(&server, "CONT");
        copied.expect("the image can be copied");
        let after = Mounted::mount(&copy, &folder.path().join("after")).expect("an image after a cut mounts");
        let restarted = ServerProcess::start_on(&after.0).await;
        let found = list_all(&restarted).await;
        // What was on its way when the power went may be there.
        let mut violations = ledger.check(&found);
        violations.retain(|violation| !matches!(violation, Violation::NeverSent(_)));
        super::assert_none(&violations, &format!("after cut {cut}"));
        checked += ledger.len();
        drop(restarted);
    }
    clients.stop.store(true, Relaxed);
    while let Some(sender) = senders.join_next().await {
        sender.expect("a client does not panic");
    }
    Some(checked)
}
