//! Reading a trace as its page shows it, column by column: from 100,000 rows no text is copied that many runs share, and
//! the previews, which are most of the bytes, are read of those runs only that may be doubles.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, FixedSizeBinaryArray, ListArray, RecordBatch,
    TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{ArrowNativeType as _, DataType, Int32Type};
use clearspan_model::{Decimal, RunId, RunType, Status, TraceId, UnixNanos};

use super::segment::{Segment, living_ranges};
use super::state::Snapshot;
use crate::Result;
use crate::outline::{Draft, Home, InputsOf, Outline, OutlineRun, Place, TagLists, Text, Texts};
use crate::schema::decode::{Rows, cost_source_from_text, money_from_units};
use crate::schema::rows::text_at;
use crate::schema::{Col, OUTLINE};
use crate::store::Scope;
use crate::summarize::UNNAMED;

/// Texts of rows that are no further apart are read together: to pass over few is dearer than to decode them.
const NEAR_ROWS: u32 = 16;

/// The runs of a trace in the project that has most of them, with the inputs of those that `inputs_of` names.
pub(super) fn outline(
    snapshot: &Snapshot,
    scope: &Scope,
    trace_id: TraceId,
    inputs_of: InputsOf,
) -> Result<Option<Outline>> {
    let mut draft = Draft::default();
    let places = snapshot.hot_places();
    let of_segments = snapshot.segments.iter().map(|segment| living_rows(snapshot, segment, trace_id));
    let of_segments = of_segments.collect::<Result<Vec<_>>>()?;
    // The batches of the hot tier are the first sources, the segments follow.
    for of_batch in places.chunk_by(|left, right| left.batch == right.batch) {
        let source = of_batch[0].batch;
        let batch = &snapshot.hot[source as usize].batch;
        let rows: Vec<(usize, u32)> = of_batch.iter().map(|place| (place.row as usize, place.row)).collect();
        draft.reserve(rows.len());
        add(&mut draft, batch, &rows, source, scope, trace_id)?;
    }
    // Once: to let the list grow from file to file would copy it again and again.
    draft.reserve(of_segments.iter().flatten().map(ExactSizeIterator::len).sum());
    for ((source, segment), rows) in (snapshot.hot.len()..).zip(snapshot.segments.iter()).zip(&of_segments) {
        let source = u32::try_from(source).expect("far fewer batches and segments than 2^32");
        segment.look_at(rows, OUTLINE, |batch, numbers| {
            let rows: Vec<(usize, u32)> = numbers.iter().copied().enumerate().collect();
            add(&mut draft, batch, &rows, source, scope, trace_id)
        })?;
    }
    let Some((mut outline, places)) = draft.finish(trace_id) else { return Ok(None) };
    let places = |positions: &[usize]| positions.iter().map(|position| places[*position]).collect();
    outline
        .judge(|unclear| previews(snapshot, places(unclear), [Col::input_preview, Col::output_preview]))?;
    let wanted = inputs_of(&outline);
    if !wanted.is_empty() {
        let inputs = previews(snapshot, places(&wanted), [Col::input_preview])?;
        outline.set_inputs(wanted.into_iter().zip(inputs.into_iter().map(|[input]| input)));
    }
    Ok(Some(outline))
}

fn living_rows(snapshot: &Snapshot, segment: &Segment, trace_id: TraceId) -> Result<Vec<Range<u32>>> {
    let rows = segment.stretches_of(&[trace_id])?;
    Ok(match snapshot.dead.get(&segment.number) {
        Some(dead) => living_ranges(&rows, dead),
        None => rows,
    })
}

/// Adds rows of a batch, each with its number in the source. Those of other traces and of other scopes are passed over.
fn add(
    draft: &mut Draft,
    batch: &RecordBatch,
    rows: &[(usize, u32)],
    source: u32,
    scope: &Scope,
    trace_id: TraceId,
) -> Result<()> {
    let reader = Rows::new(batch);
    let unnamed = draft.texts.add(UNNAMED);
    let first = draft.runs.len();
    let mut taken = Vec::with_capacity(rows.len());
    for (at, number) in rows {
        let (workspace_id, project_id) = reader.tenant(*at)?;
        if reader.is_id(Col::trace_id, *at, trace_id.as_bytes()) && scope.holds(workspace_id, project_id) {
            let run_id = RunId::from_bytes(reader.need_id(Col::run_id, *at)?);
            draft.runs.push(OutlineRun::new(run_id, unnamed));
            draft.homes.push(Home { project_id, place: Place { source, row: *number } });
            taken.push(*at);
        }
    }
    let Draft { runs, texts, tag_lists, .. } = draft;
    Columns { batch, taken: &taken, runs: &mut runs[first..], texts }.fill(tag_lists);
    Ok(())
}

/// Some rows of a batch, and the runs that they become.
struct Columns<'a> {
    batch: &'a RecordBatch,
    taken: &'a [usize],
    runs: &'a mut [OutlineRun],
    texts: &'a mut Texts,
}

impl Columns<'_> {
    fn fill(&mut self, tag_lists: &mut TagLists) {
        self.ids(Col::parent_run_id, |run, id| run.parent_run_id = Some(RunId::from_bytes(id)));
        self.words(Col::name, |name, texts| texts.add(name), |run, name| run.name = name);
        self.parsed(Col::run_type, |run, run_type: RunType| run.run_type = run_type);
        self.parsed(Col::status, |run, status: Status| run.status = status);
        self.texts(Col::error, |run| &mut run.error);
        self.texts(Col::error_type, |run| &mut run.error_type);
        self.times(Col::time, |run, time| run.start_time = time);
        self.times(Col::end_time, |run, time| run.end_time = Some(time));
        self.times(Col::first_token_time, |run, time| run.first_token_time = Some(time));
        self.texts(Col::model, |run| &mut run.model);
        self.counts(Col::input_tokens, |run| &mut run.input_tokens);
        self.counts(Col::output_tokens, |run| &mut run.output_tokens);
        self.counts(Col::total_tokens, |run| &mut run.total_tokens);
        self.counts(Col::cache_read_tokens, |run| &mut run.cache_read_tokens);
        self.counts(Col::reasoning_tokens, |run| &mut run.reasoning_tokens);
        self.costs(Col::input_cost, |run| &mut run.input_cost);
        self.costs(Col::output_cost, |run| &mut run.output_cost);
        self.costs(Col::total_cost, |run| &mut run.total_cost);
        self.words(
            Col::cost_source,
            |source, _| {
                let mut run = OutlineRun::new(RunId::NIL, Text::at(0));
                run.set_cost_source(&cost_source_from_text(source));
                (run.cost_reported, run.unpriced)
            },
            |run, source| (run.cost_reported, run.unpriced) = source,
        );
        self.texts(Col::thread_id, |run| &mut run.thread_id);
        self.texts(Col::user_id, |run| &mut run.user_id);
        self.texts(Col::environment, |run| &mut run.environment);
        self.texts(Col::response_id, |run| &mut run.response_id);
        self.texts(Col::scope_name, |run| &mut run.scope_name);
        self.texts(Col::dialect, |run| &mut run.dialect);
        self.flags(Col::is_transport, |run, is_transport| run.is_transport = is_transport);
        self.tags(tag_lists);
    }

    /// The column, unless the file has none or nothing is in it.
    fn column(&self, col: Col) -> Option<ArrayRef> {
        let array = self.batch.column_by_name(col.name())?;
        (array.null_count() < array.len()).then(|| Arc::clone(array))
    }

    /// Shows each run with its place in the column, where that has a value.
    fn each(&mut self, array: &dyn Array, mut set: impl FnMut(&mut OutlineRun, usize)) {
        for (run, at) in self.runs.iter_mut().zip(self.taken) {
            if array.is_valid(*at) {
                set(run, *at);
            }
        }
    }

    fn ids(&mut self, col: Col, set: impl Fn(&mut OutlineRun, [u8; 16])) {
        let Some(array) = self.column(col) else { return };
        let Some(ids): Option<&FixedSizeBinaryArray> = array.as_fixed_size_binary_opt() else { return };
        self.each(ids, |run, at| {
            if let Ok(id) = ids.value(at).try_into() {
                set(run, id);
            }
        });
    }

    fn times(&mut self, col: Col, set: impl Fn(&mut OutlineRun, UnixNanos)) {
        let Some(array) = self.column(col) else { return };
        let Some(times): Option<&TimestampNanosecondArray> = array.as_primitive_opt() else { return };
        self.each(times, |run, at| set(run, UnixNanos::from_nanos(times.value(at))));
    }

    fn counts(&mut self, col: Col, field: impl Fn(&mut OutlineRun) -> &mut Option<u64>) {
        let Some(array) = self.column(col) else { return };
        let Some(counts): Option<&UInt64Array> = array.as_primitive_opt() else { return };
        self.each(counts, |run, at| *field(run) = Some(counts.value(at)));
    }

    fn costs(&mut self, col: Col, field: impl Fn(&mut OutlineRun) -> &mut Option<Decimal>) {
        let Some(array) = self.column(col) else { return };
        let Some(costs): Option<&Decimal128Array> = array.as_primitive_opt() else { return };
        self.each(costs, |run, at| *field(run) = Some(money_from_units(costs.value(at))));
    }

    fn flags(&mut self, col: Col, set: impl Fn(&mut OutlineRun, bool)) {
        let Some(array) = self.column(col) else { return };
        let Some(flags): Option<&BooleanArray> = array.as_boolean_opt() else { return };
        self.each(flags, |run, at| set(run, flags.value(at)));
    }

    fn texts(&mut self, col: Col, field: impl Fn(&mut OutlineRun) -> &mut Option<Text>) {
        self.words(col, |text, texts| texts.add(text), |run, text| *field(run) = Some(text));
    }

    fn parsed<T: std::str::FromStr + Copy>(&mut self, col: Col, set: impl Fn(&mut OutlineRun, T)) {
        self.words(
            col,
            |word, _| word.parse().ok(),
            |run, word: Option<T>| {
                if let Some(word) = word {
                    set(run, word);
                }
            },
        );
    }

    /// Makes something of each text: once of those that stand in a dictionary or follow themselves.
    fn words<T: Copy>(
        &mut self,
        col: Col,
        make: impl Fn(&str, &mut Texts) -> T,
        set: impl Fn(&mut OutlineRun, T),
    ) {
        let Some(array) = self.column(col) else { return };
        let texts = &mut *self.texts;
        let runs = self.runs.iter_mut().zip(self.taken).filter(|(_, at)| array.is_valid(**at));
        if let DataType::Dictionary(..) = array.data_type() {
            let Some(words) = array.as_dictionary_opt::<Int32Type>() else { return };
            let mut made: Vec<Option<T>> = vec![None; words.values().len()];
            for (run, at) in runs {
                let word = words.keys().value(*at).as_usize();
                let known =
                    made[word].or_else(|| text_at(words.values(), word).map(|text| make(text, texts)));
                made[word] = known;
                if let Some(made) = known {
                    set(run, made);
                }
            }
            return;
        }
        let mut last: Option<(&str, T)> = None;
        for (run, at) in runs {
            let Some(text) = text_at(&array, *at) else { continue };
            let made = match last {
                Some((same, made)) if same == text => made,
                _ => make(text, texts),
            };
            last = Some((text, made));
            set(run, made);
        }
    }

    fn tags(&mut self, lists: &mut TagLists) {
        let Some(array) = self.column(Col::tags) else { return };
        let Some(list): Option<&ListArray> = array.as_list_opt() else { return };
        let ends = list.value_offsets();
        let texts = &mut *self.texts;
        let mut tags = Vec::new();
        for (run, at) in self.runs.iter_mut().zip(self.taken) {
            let range = ends[*at].as_usize()..ends[*at + 1].as_usize();
            if list.is_valid(*at) && !range.is_empty() {
                tags.clear();
                tags.extend(range.filter_map(|at| text_at(list.values(), at)).map(|tag| texts.add(tag)));
                run.tags = lists.add(&tags);
            }
        }
    }
}

/// What some columns say of the runs at some places.
fn previews<const N: usize>(
    snapshot: &Snapshot,
    places: Vec<Place>,
    columns: [Col; N],
) -> Result<Vec<[Option<String>; N]>> {
    let mut found = vec![[const { None }; N]; places.len()];
    let mut by_place: Vec<(Place, usize)> = places.into_iter().zip(0..).collect();
    by_place.sort_unstable_by_key(|(place, _)| (place.source, place.row));
    for of_source in by_place.chunk_by(|(left, _), (right, _)| left.source == right.source) {
        let source = of_source[0].0.source as usize;
        if let Some(hot) = snapshot.hot.get(source) {
            let reader = Rows::new(&hot.batch);
            for (place, idx) in of_source {
                found[*idx] = columns.map(|col| reader.string(col, place.row as usize));
            }
            continue;
        }
        let segment = &snapshot.segments[source - snapshot.hot.len()];
        let mut ranges: Vec<Range<u32>> = Vec::new();
        for (place, _) in of_source {
            match ranges.last_mut() {
                Some(last) if place.row - last.end < NEAR_ROWS => last.end = place.row + 1,
                _ => ranges.push(place.row..place.row + 1),
            }
        }
        let mut wanted = of_source.iter().peekable();
        segment.look_at(&ranges, &columns, |batch, rows| {
            let reader = Rows::new(batch);
            for (at, row) in rows.iter().enumerate() {
                if let Some((_, idx)) = wanted.next_if(|(place, _)| place.row == *row) {
                    found[*idx] = columns.map(|col| reader.string(col, at));
                }
            }
            Ok(())
        })?;
    }
    Ok(found)
}
