use clearspan_catalog::{Catalog, ProjectName, RuleContent, RuleName, SqliteCatalog};
use clearspan_model::{JsonText, Status};
use clearspan_store::memory::MemoryStore;

use super::*;

const NOW: i64 = 1_795_132_800_000_000_000;

struct Setting {
    remaps: Arc<Remaps>,
    store: Arc<MemoryStore>,
    rules: Arc<Rulebook>,
    project: Project,
    _dir: tempfile::TempDir,
}

impl Setting {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let catalog: Arc<dyn Catalog> =
            Arc::new(SqliteCatalog::open(&dir.path().join("catalog.sqlite")).unwrap());
        let workspace_id = catalog.default_workspace().unwrap().id;
        let clock = Clock::stopped(UnixNanos::from_nanos(NOW));
        let name = ProjectName::parse("p").unwrap();
        let project = catalog.get_or_create_project(workspace_id, &name, clock.now()).unwrap();
        let store = Arc::new(MemoryStore::new(Arc::new(|run: &mut Run| PriceTable::builtin().price(run))));
        let rules = Arc::new(Rulebook::new(catalog));
        let as_store: Arc<dyn RunStore> = Arc::<MemoryStore>::clone(&store);
        let remaps = Arc::new(Remaps::new(as_store, Arc::clone(&rules), LiveFeed::new(), clock));
        Self { remaps, store, rules, project, _dir: dir }
    }

    /// A run that an attribute nobody knows tells about. It began so many seconds before now.
    fn run(&self, trace: u32, id: u32, ago: i64) -> Run {
        let bytes = |number: u32| (1_u128 << 64 | u128::from(number)).to_be_bytes();
        let key = RunKey {
            workspace_id: self.project.workspace_id,
            project_id: self.project.id,
            trace_id: TraceId::from_bytes(bytes(trace)),
            run_id: RunId::from_bytes(bytes(id)),
        };
        let start = UnixNanos::from_nanos(NOW - ago * 1_000_000_000);
        let mut run = Run::new(key, start);
        (run.start_time, run.end_time, run.status) = (Some(start), Some(start), Some(Status::Success));
        run.attributes.insert("acme.user".to_owned(), JsonText::from_string(&format!("user {id}")));
        run
    }

    fn add_rule(&self) {
        let content = RuleContent {
            name: RuleName::parse("users").unwrap(),
            enabled: true,
            attribute: "acme.user".to_owned(),
            field: "user_id".to_owned(),
        };
        self.rules.create(self.project.workspace_id, content, UnixNanos::from_nanos(NOW)).unwrap();
    }

    /// The job, when it has ended.
    async fn remap(&self, range: TimeRange) -> RemapJob {
        let id = self.remaps.start(self.project.clone(), range).unwrap().id;
        loop {
            let job = self.remaps.get(self.project.workspace_id, id).unwrap();
            if job.state != RemapState::Running {
                return job;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn user(&self, run: &Run) -> Option<String> {
        let scope = Scope { workspace_id: run.key.workspace_id, project_ids: None };
        let found = self.store.load_runs(&scope, &[run.key.trace_id], &[run.key.run_id]).await.unwrap();
        found[0].user_id.clone()
    }
}

fn counts(job: &RemapJob) -> (RemapState, Option<u64>, u64, u64, u64, u64) {
    (job.state, job.traces_total, job.traces_done, job.runs_seen, job.runs_changed, job.runs_skipped)
}

#[tokio::test]
async fn stored_runs_are_as_if_the_rule_had_been_there() {
    let setting = Setting::new();
    let runs: Vec<Run> = (1..=5).map(|n| setting.run(n % 3, n, 10)).collect();
    setting.store.write(runs.clone()).await.unwrap();
    let job = setting.remap(TimeRange::default()).await;
    assert_eq!(
        counts(&job),
        (RemapState::Done, Some(3), 3, 5, 0, 0),
        "without a rule all is as it should be"
    );

    setting.add_rule();
    let job = setting.remap(TimeRange::default()).await;
    assert_eq!(counts(&job), (RemapState::Done, Some(3), 3, 5, 5, 0));
    assert_eq!(job.ended_at, Some(UnixNanos::from_nanos(NOW)));
    for (run, number) in runs.iter().zip(1..) {
        assert_eq!(setting.user(run).await, Some(format!("user {number}")));
    }
    let job = setting.remap(TimeRange::default()).await;
    assert_eq!(counts(&job), (RemapState::Done, Some(3), 3, 5, 0, 0), "nothing is left to do");
    assert_eq!(setting.remaps.list(setting.project.workspace_id).len(), 3);
    assert_eq!(setting.remaps.list(WorkspaceId::NIL).len(), 0);
}

#[tokio::test]
async fn only_traces_of_the_range_are_touched_and_large_ones_part_by_part() {
    let setting = Setting::new();
    let (old, new) = (setting.run(1, 1_000, 100), setting.run(2, 1_001, 5));
    let large: Vec<Run> = (1..=250).map(|n| setting.run(2, n, 4)).collect();
    setting.store.write(vec![old.clone(), new.clone()]).await.unwrap();
    setting.store.write(large).await.unwrap();
    setting.add_rule();
    let from = Some(UnixNanos::from_nanos(NOW - 50_000_000_000));
    let job = setting.remap(TimeRange { from, to: None }).await;
    assert_eq!(counts(&job), (RemapState::Done, Some(1), 1, 251, 251, 0));
    assert_eq!((setting.user(&old).await, setting.user(&new).await.as_deref()), (None, Some("user 1001")));
}

#[tokio::test]
async fn many_pages_of_traces_are_walked_through() {
    let setting = Setting::new();
    let runs = (1..=230).map(|n| setting.run(n, n, i64::from(n / 3))).collect();
    setting.store.write(runs).await.unwrap();
    setting.add_rule();
    let job = setting.remap(TimeRange::default()).await;
    assert_eq!(counts(&job), (RemapState::Done, Some(230), 230, 230, 230, 0));
}

#[tokio::test]
async fn one_job_runs_at_a_time_and_ends_with_the_server() {
    let setting = Setting::new();
    setting.store.write(vec![setting.run(1, 1, 1)]).await.unwrap();
    // Nothing runs before this task waits.
    let first = setting.remaps.start(setting.project.clone(), TimeRange::default()).unwrap();
    let refused = setting.remaps.start(setting.project.clone(), TimeRange::default()).unwrap_err();
    assert_eq!(refused.id, first.id);
    setting.remaps.stop();
    let job = loop {
        let job = setting.remaps.get(setting.project.workspace_id, first.id).unwrap();
        if job.state != RemapState::Running {
            break job;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(job.state, RemapState::Failed);
    assert!(job.error.unwrap().contains("the server stopped"));
}
