//! What callers may rely on about annotation queues and sharing.

use std::sync::Arc;

use clearspan_model::{ErrorKind, JsonText, ProjectId, RunId, TraceId, WorkspaceId};
use uuid::Uuid;

use super::at;
use crate::{AnnotationQueue, Catalog, ItemChange, ItemId, QueueId, QueueSize, QueuedRun, Share, Shared};

pub(super) fn check_all(new_catalog: &impl Fn() -> Arc<dyn Catalog>) {
    queues_are_kept_and_changed(&*new_catalog());
    runs_wait_in_order(&*new_catalog());
    what_is_done_no_longer_waits(&*new_catalog());
    queues_stay_in_their_workspace(&*new_catalog());
    what_is_shared_has_one_token(&*new_catalog());
}

fn workspace(catalog: &dyn Catalog) -> WorkspaceId {
    catalog.default_workspace().expect("a workspace").id
}

fn queue(catalog: &dyn Catalog, name: &str, time: i64) -> AnnotationQueue {
    let queue = AnnotationQueue {
        id: QueueId::generate(),
        workspace_id: workspace(catalog),
        name: name.to_owned(),
        description: None,
        rubric_instructions: Some("look".to_owned()),
        rubric_items: Some(JsonText::parse(r#"[{"feedback_key": "k"}]"#).expect("valid JSON")),
        settings: JsonText::parse("{}").expect("valid JSON"),
        created_at: at(time),
        updated_at: at(time),
    };
    catalog.create_queue(&queue).expect("kept");
    queue
}

fn run(number: u8) -> QueuedRun {
    QueuedRun {
        run_id: RunId::from_bytes([number; 16]),
        trace_id: Some(TraceId::from_bytes([number; 16])),
        project_id: None,
    }
}

fn add(catalog: &dyn Catalog, id: QueueId, numbers: &[u8], time: i64) -> Vec<ItemId> {
    let runs: Vec<QueuedRun> = numbers.iter().map(|number| run(*number)).collect();
    let items = catalog.add_to_queue(workspace(catalog), id, &runs, at(time)).expect("an answer");
    items.expect("there is such a queue").into_iter().map(|item| item.id).collect()
}

fn waiting(catalog: &dyn Catalog, id: QueueId, is_completed: Option<bool>) -> Vec<u8> {
    let items = catalog.list_items(workspace(catalog), id, is_completed, 100, 0).expect("a list");
    items.iter().map(|item| item.run.run_id.as_bytes()[0]).collect()
}

fn queues_are_kept_and_changed(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let (older, newer) = (queue(catalog, "q", 1), queue(catalog, "q", 2));
    assert_eq!(catalog.list_queues(workspace_id).expect("a list"), [newer.clone(), older.clone()]);
    let taken = catalog.create_queue(&older).expect_err("the id is taken");
    assert_eq!(taken.kind(), ErrorKind::Conflict);
    let changed = AnnotationQueue {
        name: "renamed".to_owned(),
        description: Some("d".to_owned()),
        rubric_items: None,
        settings: JsonText::parse(r#"{"enable_reservations": true}"#).expect("valid JSON"),
        updated_at: at(3),
        ..older
    };
    assert!(catalog.update_queue(&changed).expect("an answer"));
    assert_eq!(catalog.load_queue(workspace_id, changed.id).expect("an answer"), Some(changed.clone()));
    let unknown = AnnotationQueue { id: QueueId::generate(), ..changed };
    assert!(!catalog.update_queue(&unknown).expect("an answer"));
    assert!(catalog.delete_queue(workspace_id, newer.id).expect("an answer"));
    assert!(!catalog.delete_queue(workspace_id, newer.id).expect("an answer"));
    assert_eq!(catalog.load_queue(workspace_id, newer.id).expect("an answer"), None);
}

fn runs_wait_in_order(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let queue = queue(catalog, "q", 1);
    let first = add(catalog, queue.id, &[5, 3, 4], 10);
    assert_eq!(waiting(catalog, queue.id, None), [5, 3, 4]);
    let again = add(catalog, queue.id, &[1, 3], 11);
    assert_eq!(again[1], first[1], "a run is in a queue once");
    assert_eq!(waiting(catalog, queue.id, None), [5, 3, 4, 1]);
    let page = catalog.list_items(workspace_id, queue.id, None, 2, 1).expect("a list");
    assert_eq!(page.iter().map(|item| item.run.clone()).collect::<Vec<_>>(), [run(3), run(4)]);
    assert_eq!(page[0].added_at, at(10));

    let of_run = |number: u8| {
        let queues = catalog.queues_of_run(workspace_id, RunId::from_bytes([number; 16])).expect("a list");
        queues.into_iter().map(|queue| queue.id).collect::<Vec<_>>()
    };
    assert_eq!((of_run(3), of_run(9)), (vec![queue.id], vec![]));
    let by_run_and_by_item = [Uuid::from_bytes([3; 16]), Uuid::from_bytes(*first[0].as_bytes())];
    assert_eq!(catalog.remove_from_queue(workspace_id, queue.id, &by_run_and_by_item).expect("an answer"), 2);
    assert_eq!(catalog.remove_from_queue(workspace_id, queue.id, &by_run_and_by_item).expect("an answer"), 0);
    assert_eq!(waiting(catalog, queue.id, None), [4, 1]);

    let nowhere = catalog.add_to_queue(workspace_id, QueueId::generate(), &[run(1)], at(12));
    assert_eq!(nowhere.expect("an answer"), None);
    assert!(catalog.delete_queue(workspace_id, queue.id).expect("an answer"));
    assert_eq!(of_run(4), [], "what is in a queue goes with it");
}

fn what_is_done_no_longer_waits(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let queue = queue(catalog, "q", 1);
    let items = add(catalog, queue.id, &[1, 2, 3], 10);
    let change =
        |item, change| catalog.update_item(workspace_id, Some(queue.id), item, change).expect("an answer");
    let done = ItemChange {
        completed_at: Some(Some(at(20))),
        reviewed_at: Some(Some(at(20))),
        ..ItemChange::default()
    };
    let item = change(items[0], done).expect("it is there");
    assert_eq!((item.completed_at, item.reviewed_at, item.added_at), (Some(at(20)), Some(at(20)), at(10)));
    assert_eq!(waiting(catalog, queue.id, Some(false)), [2, 3]);
    assert_eq!(waiting(catalog, queue.id, Some(true)), [1]);
    let size = |id| catalog.queue_size(workspace_id, id).expect("an answer");
    assert_eq!(size(queue.id), QueueSize { waiting: 2, completed: 1 });

    let item = change(items[0], ItemChange { completed_at: Some(None), ..ItemChange::default() });
    let item = item.expect("it is there");
    assert_eq!((item.completed_at, item.reviewed_at), (None, Some(at(20))), "taken back, but looked at");
    change(items[1], ItemChange { added_at: Some(at(99)), ..ItemChange::default() });
    assert_eq!(waiting(catalog, queue.id, None), [1, 3, 2], "put to the end");
    let anywhere = catalog.update_item(workspace_id, None, items[2], done).expect("an answer");
    assert!(anywhere.is_some(), "the queue need not be known");
    assert_eq!(change(ItemId::generate(), done), None);
    let other = catalog.update_item(workspace_id, Some(QueueId::generate()), items[2], done);
    assert_eq!(other.expect("an answer"), None);
    assert_eq!(size(QueueId::generate()), QueueSize::default());
}

fn queues_stay_in_their_workspace(catalog: &dyn Catalog) {
    let stranger = WorkspaceId::from_bytes([7; 16]);
    let queue = queue(catalog, "mine", 1);
    let items = add(catalog, queue.id, &[1], 2);
    assert_eq!(catalog.list_queues(stranger).expect("a list"), []);
    assert_eq!(catalog.load_queue(stranger, queue.id).expect("an answer"), None);
    assert_eq!(catalog.add_to_queue(stranger, queue.id, &[run(2)], at(3)).expect("an answer"), None);
    assert_eq!(catalog.list_items(stranger, queue.id, None, 9, 0).expect("a list"), []);
    let change = ItemChange { completed_at: Some(Some(at(4))), ..ItemChange::default() };
    assert_eq!(catalog.update_item(stranger, None, items[0], change).expect("an answer"), None);
    assert_eq!(
        catalog.remove_from_queue(stranger, queue.id, &[Uuid::from_bytes([1; 16])]).expect("an answer"),
        0
    );
    assert!(!catalog.delete_queue(stranger, queue.id).expect("an answer"));
    assert_eq!(waiting(catalog, queue.id, Some(false)), [1]);
}

fn what_is_shared_has_one_token(catalog: &dyn Catalog) {
    let workspace_id = workspace(catalog);
    let project_id = ProjectId::from_bytes([9; 16]);
    let run = |number: u8| Shared::Run {
        project_id,
        trace_id: TraceId::from_bytes([1; 16]),
        run_id: RunId::from_bytes([number; 16]),
    };
    let share = |token: u8, subject: Shared| Share {
        token: Uuid::from_bytes([token; 16]),
        workspace_id,
        subject,
        created_at: at(token.into()),
    };
    let thread = Shared::Thread { project_id, thread_id: "t".to_owned() };
    let (one, other, of_thread) = (share(1, run(1)), share(2, run(2)), share(3, thread.clone()));
    for new in [&one, &other, &of_thread] {
        assert_eq!(&catalog.share(new).expect("shared"), new);
        assert_eq!(catalog.find_share(new.token).expect("an answer").as_ref(), Some(new));
    }
    assert_eq!(catalog.share(&share(4, run(1))).expect("shared"), one, "it keeps its token");
    assert_eq!(catalog.share(&share(5, thread.clone())).expect("shared"), of_thread);
    let taken = catalog.share(&share(1, run(7))).expect_err("the token is taken");
    assert_eq!(taken.kind(), ErrorKind::Conflict);

    assert_eq!(catalog.share_of(workspace_id, &run(2)).expect("an answer"), Some(other.clone()));
    assert_eq!(catalog.share_of(workspace_id, &run(3)).expect("an answer"), None);
    let stranger = WorkspaceId::from_bytes([7; 16]);
    assert_eq!(catalog.share_of(stranger, &run(2)).expect("an answer"), None);
    assert!(!catalog.unshare(stranger, &run(2)).expect("an answer"));
    assert!(catalog.unshare(workspace_id, &run(2)).expect("an answer"));
    assert!(!catalog.unshare(workspace_id, &run(2)).expect("an answer"));
    assert_eq!(catalog.find_share(other.token).expect("an answer"), None);
    assert!(catalog.unshare(workspace_id, &thread).expect("an answer"));
    assert_eq!(catalog.find_share(one.token).expect("an answer"), Some(one));
}
