use super::*;
#[test]
fn t() {
    let _ = MemoryStore::new(Arc::new(|_| ()));
}
