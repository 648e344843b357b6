use super::*;

fn spans(count: usize) -> Link {
    Link::Export(vec![7; count], Vec::new(), UnixNanos::from_nanos(1))
}

#[test]
fn what_waits_is_bounded_and_tried_by_one_task() {
    let (links, workspace_id) = (Links::default(), WorkspaceId::NIL);
    assert_eq!(links.push(workspace_id, spans(MAX_WAITING)), (true, true), "a task is started");
    assert_eq!(links.push(workspace_id, spans(1)), (false, false), "there is no room");
    assert_eq!(links.push(workspace_id, spans(0)), (true, false), "one task is enough");
    let (_, link) = links.pop().unwrap();
    assert_eq!(link.len(), MAX_WAITING);
    links.put_back(workspace_id, link);
    assert_eq!(links.push(workspace_id, spans(1)), (false, false), "it has its place again");
    assert_eq!([links.pop(), links.pop()].map(|found| found.unwrap().1.len()), [MAX_WAITING, 0]);
    assert!(links.pop().is_none());
    assert_eq!(links.push(workspace_id, spans(1)), (true, true), "that task has ended");
}
