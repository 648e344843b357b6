//! Reading a trace as its page shows it, column by column: from 100,000 rows no text is copied that many runs share, and
//! the previews, which are most of the bytes, are read of those runs only that may be doubles.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryArray, ListArray, RecordBatch};
use arrow::datatypes::{
    ArrowNativeType as _, ArrowPrimitiveType, DataType, Decimal128Type, Int32Type, TimestampNanosecondType,
    UInt64Type,
};
use clearspan_model::{Decimal, ErrorKind, ProjectId, RunId, TraceId, UnixNanos, WorkspaceId};

use super::segment::{GroupRows, Segment, living_ranges};
use super::state::Snapshot;
use crate::outline::{
    Blank, Column, Columns, Draft, Figures, InputsOf, Outline, OutlineRun, Place, TagLists, Text, Texts,
};
use crate::schema::decode::{Rows, cost_source_from_text, money_from_units};
use crate::schema::rows::text_at;
use crate::schema::{Col, OUTLINE, TableColumn as _};
use crate::store::Scope;
use crate::{Error, Result};

/// Texts of rows that are no further apart are read together: to pass over few is dearer than to decode them.
const NEAR_ROWS: u32 = 16;

/// The runs of a trace in the project that has most of them, with the inputs of those that `inputs_of` names.
pub(super) fn outline(
    snapshot: &Snapshot,
    scope: &Scope,
    trace_id: TraceId,
    inputs_of: InputsOf,
) -> Result<Option<Outline>> {
    let asked = Asked { scope, trace_id };
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
        add(&mut draft, &asked, &Part { batch, rows: &rows, source, owner: None })?;
    }
    // Once: to let the list grow from file to file would copy it again and again.
    draft.reserve(of_segments.iter().flatten().map(ExactSizeIterator::len).sum());
    for ((source, segment), rows) in (snapshot.hot.len()..).zip(snapshot.segments.iter()).zip(&of_segments) {
        let source = u32::try_from(source).expect("far fewer batches and segments than 2^32");
        segment.look_at_groups(rows, OUTLINE, |GroupRows { batch, numbers, owner }| {
            let rows: Vec<(usize, u32)> = numbers.into_iter().enumerate().collect();
            add(&mut draft, &asked, &Part { batch: &batch, rows: &rows, source, owner })
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

/// Whose runs are asked for.
struct Asked<'a> {
    scope: &'a Scope,
    trace_id: TraceId,
}

/// Some rows of a batch.
struct Part<'a> {
    batch: &'a RecordBatch,
    /// Where each is in the batch, and its number in the source.
    rows: &'a [(usize, u32)],
    source: u32,
    /// Whose all of them are, where that is known without the columns that say it.
    owner: Option<(WorkspaceId, ProjectId)>,
}

/// Which project each row of a batch is in, if that is asked for.
enum Projects<'a> {
    All(Option<ProjectId>),
    Columns {
        workspaces: &'a FixedSizeBinaryArray,
        projects: &'a FixedSizeBinaryArray,
        /// Whose the last row was: mostly the next one is theirs, too.
        last: Option<([&'a [u8]; 2], Option<ProjectId>)>,
    },
}

impl<'a> Projects<'a> {
    fn new(scope: &Scope, part: &Part<'a>) -> Result<Self> {
        Ok(match part.owner {
            Some((workspace_id, project_id)) => {
                Self::All(scope.holds(workspace_id, project_id).then_some(project_id))
            }
            None => Self::Columns {
                workspaces: ids(part.batch, Col::workspace_id)?,
                projects: ids(part.batch, Col::project_id)?,
                last: None,
            },
        })
    }

    fn of_row(&mut self, scope: &Scope, at: usize) -> Option<ProjectId> {
        let (workspaces, projects, last) = match self {
            Self::All(project_id) => return *project_id,
            Self::Columns { workspaces, projects, last } => (workspaces, projects, last),
        };
        let owner = [workspaces.value(at), projects.value(at)];
        if let Some((_, project_id)) = last.filter(|(same, _)| *same == owner) {
            return project_id;
        }
        let [workspace_id, project_id] = owner.map(|id| id.try_into().expect("ids have sixteen bytes"));
        let project_id = ProjectId::from_bytes(project_id);
        let asked = scope.holds(WorkspaceId::from_bytes(workspace_id), project_id).then_some(project_id);
        *last = Some((owner, asked));
        asked
    }
}

/// Adds some rows. Those of other traces and of other scopes are passed over.
fn add(draft: &mut Draft, asked: &Asked<'_>, part: &Part<'_>) -> Result<()> {
    let Part { batch, rows, source, .. } = *part;
    let (traces, run_ids) = (ids(batch, Col::trace_id)?, ids(batch, Col::run_id)?);
    let mut projects = Projects::new(asked.scope, part)?;
    let first = draft.columns.len;
    let mut taken = Vec::with_capacity(rows.len());
    for (at, number) in rows {
        if traces.value(*at) != asked.trace_id.as_bytes() {
            continue;
        }
        if let Some(project_id) = projects.of_row(asked.scope, *at) {
            draft.add_home(project_id, Place { source, row: *number });
            taken.push(*at);
        }
    }
    draft.columns.len += taken.len();
    let (count, expected) = (taken.len(), draft.columns.expected);
    let is_whole = count == batch.num_rows() && taken.is_sorted();
    let rows = (!is_whole).then_some(&taken);
    let reader = Reader { batch, taken: Taken { first, count, expected, rows } };
    reader.each_id(run_ids, &mut draft.columns.run_id, RunId::from_bytes);
    reader.fill(draft);
    Ok(())
}

/// A column of ids, none of which is missing.
fn ids(batch: &RecordBatch, col: Col) -> Result<&FixedSizeBinaryArray> {
    let array = batch.column_by_name(col.name()).and_then(|array| array.as_fixed_size_binary_opt());
    array.filter(|ids| ids.value_length() == 16 && ids.null_count() == 0).ok_or_else(|| {
        Error::new(ErrorKind::Corrupt, format!("a row of {} has no {}", Col::TABLE, col.name()))
    })
}

/// The rows of a batch that become runs.
#[derive(Clone, Copy)]
struct Taken<'a> {
    /// The first of the runs.
    first: usize,
    count: usize,
    /// How many runs there will be at last.
    expected: usize,
    /// All when `None`.
    rows: Option<&'a Vec<usize>>,
}

impl Taken<'_> {
    /// The places of the runs.
    fn of<'c, T: Blank>(&self, column: &'c mut Column<T>) -> &'c mut [T] {
        column.last_rows(self.first..self.first + self.count, self.expected)
    }

    /// Shows each row that has a value: which of the runs it becomes, and where it is in the batch.
    fn each(&self, array: &dyn Array, mut show: impl FnMut(usize, usize)) {
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        match (self.rows, nulls) {
            (None, None) => (0..self.count).for_each(|at| show(at, at)),
            (None, Some(nulls)) => nulls.valid_indices().for_each(|at| show(at, at)),
            (Some(rows), None) => rows.iter().enumerate().for_each(|(row, at)| show(row, *at)),
            (Some(rows), Some(nulls)) => {
                let rows = rows.iter().enumerate().filter(|(_, at)| nulls.is_valid(**at));
                rows.for_each(|(row, at)| show(row, *at));
            }
        }
    }
}

/// Brings columns of a batch into those of an outline. Columns in which nothing is are left out.
struct Reader<'a> {
    batch: &'a RecordBatch,
    taken: Taken<'a>,
}

impl Reader<'_> {
    fn fill(&self, draft: &mut Draft) {
        let Draft { columns, texts, tag_lists, .. } = draft;
        if let Some(array) = self.column(Col::parent_run_id)
            && let Some(ids) = array.as_fixed_size_binary_opt().filter(|ids| ids.value_length() == 16)
        {
            self.each_id(ids, &mut columns.parent_run_id, |id| Some(RunId::from_bytes(id)));
        }
        self.words(Col::name, &mut columns.name, |name| Some(texts.add(name)));
        self.words(Col::run_type, &mut columns.run_type, |word| word.parse().ok());
        self.words(Col::status, &mut columns.status, |word| word.parse().ok());
        let of_all: [(Col, &mut Column<Option<Text>>); 8] = [
            (Col::error, &mut columns.error),
            (Col::error_type, &mut columns.error_type),
            (Col::model, &mut columns.model),
            (Col::thread_id, &mut columns.thread_id),
            (Col::user_id, &mut columns.user_id),
            (Col::environment, &mut columns.environment),
            (Col::scope_name, &mut columns.scope_name),
            (Col::dialect, &mut columns.dialect),
        ];
        for (col, column) in of_all {
            self.words(col, column, |text| Some(Some(texts.add(text))));
        }
        self.values::<TimestampNanosecondType, _>(Col::time, &mut columns.start_time, UnixNanos::from_nanos);
        let ended = |nanos| Some(UnixNanos::from_nanos(nanos));
        self.values::<TimestampNanosecondType, _>(Col::end_time, &mut columns.end_time, ended);
        self.flags(&mut columns.is_transport);
        self.cost_sources(columns);
        self.figures(columns, texts);
        self.tags(&mut columns.tags, tag_lists, texts);
    }

    /// What but few runs have.
    fn figures(&self, columns: &mut Columns, texts: &mut Texts) {
        type Set<T> = fn(&mut Figures, T);
        let counts: [(Col, Set<u64>); 5] = [
            (Col::input_tokens, |figures, count| figures.input_tokens = Some(count)),
            (Col::output_tokens, |figures, count| figures.output_tokens = Some(count)),
            (Col::total_tokens, |figures, count| figures.total_tokens = Some(count)),
            (Col::cache_read_tokens, |figures, count| figures.cache_read_tokens = Some(count)),
            (Col::reasoning_tokens, |figures, count| figures.reasoning_tokens = Some(count)),
        ];
        for (col, set) in counts {
            self.each_value::<UInt64Type>(col, |row, count| set(columns.figures_mut(row), count));
        }
        let costs: [(Col, Set<Decimal>); 3] = [
            (Col::input_cost, |figures, cost| figures.input_cost = Some(cost)),
            (Col::output_cost, |figures, cost| figures.output_cost = Some(cost)),
            (Col::total_cost, |figures, cost| figures.total_cost = Some(cost)),
        ];
        for (col, set) in costs {
            let set = |row, units| set(columns.figures_mut(row), money_from_units(units));
            self.each_value::<Decimal128Type>(col, set);
        }
        self.each_value::<TimestampNanosecondType>(Col::first_token_time, |row, nanos| {
            columns.figures_mut(row).first_token_time = Some(UnixNanos::from_nanos(nanos));
        });
        let first = self.taken.first;
        self.each_word(
            Col::response_id,
            |id| Some(texts.add(id)),
            |row, id| {
                columns.figures_mut(first + row).response_id = Some(id);
            },
        );
    }

    /// The column, unless the file has none or nothing is in it.
    fn column(&self, col: Col) -> Option<&ArrayRef> {
        self.batch.column_by_name(col.name()).filter(|array| array.null_count() < array.len())
    }

    fn each_id<T: Blank>(
        &self,
        ids: &FixedSizeBinaryArray,
        column: &mut Column<T>,
        make: impl Fn([u8; 16]) -> T,
    ) {
        let places = self.taken.of(column);
        self.taken.each(ids, |row, at| {
            places[row] = make(ids.value(at).try_into().expect("ids have sixteen bytes"));
        });
    }

    fn values<P: ArrowPrimitiveType, T: Blank>(
        &self,
        col: Col,
        column: &mut Column<T>,
        make: impl Fn(P::Native) -> T,
    ) {
        let Some(array) = self.column(col).and_then(|array| array.as_primitive_opt::<P>()) else { return };
        let (places, values) = (self.taken.of(column), array.values());
        self.taken.each(array, |row, at| places[row] = make(values[at]));
    }

    /// Shows each value with its row in the outline.
    fn each_value<P: ArrowPrimitiveType>(&self, col: Col, mut show: impl FnMut(usize, P::Native)) {
        let Some(array) = self.column(col).and_then(|array| array.as_primitive_opt::<P>()) else { return };
        let values = array.values();
        self.taken.each(array, |row, at| show(self.taken.first + row, values[at]));
    }

    fn flags(&self, column: &mut Column<bool>) {
        let Some(array) = self.column(Col::is_transport) else { return };
        let Some(flags) = array.as_boolean_opt().filter(|flags| flags.true_count() > 0) else { return };
        let places = self.taken.of(column);
        self.taken.each(flags, |row, at| places[row] = flags.value(at));
    }

    fn cost_sources(&self, columns: &mut Columns) {
        if self.column(Col::cost_source).is_none() {
            return;
        }
        let reported = self.taken.of(&mut columns.cost_reported);
        let unpriced = self.taken.of(&mut columns.unpriced);
        let make = |source: &str| {
            let mut run = OutlineRun::new(RunId::NIL, Text::UNNAMED);
            run.set_cost_source(&cost_source_from_text(source));
            Some((run.cost_reported, run.unpriced))
        };
        self.each_word(Col::cost_source, make, |row, source| (reported[row], unpriced[row]) = source);
    }

    fn words<T: Blank>(&self, col: Col, column: &mut Column<T>, make: impl FnMut(&str) -> Option<T>) {
        if self.column(col).is_some() {
            let places = self.taken.of(column);
            self.each_word(col, make, |row, made| places[row] = made);
        }
    }

    /// Makes something of each text, once of those that stand in a dictionary or follow themselves, and shows it with which of
    /// the runs it is about.
    fn each_word<T: Copy>(
        &self,
        col: Col,
        mut make: impl FnMut(&str) -> Option<T>,
        mut show: impl FnMut(usize, T),
    ) {
        let Some(array) = self.column(col) else { return };
        if let DataType::Dictionary(..) = array.data_type() {
            let Some(words) = array.as_dictionary_opt::<Int32Type>() else { return };
            let keys = words.keys().values();
            let mut made: Vec<Option<T>> = vec![None; words.values().len()];
            self.taken.each(array, |row, at| {
                let word = keys[at].as_usize();
                let known = made[word].or_else(|| text_at(words.values(), word).and_then(&mut make));
                made[word] = known;
                if let Some(made) = known {
                    show(row, made);
                }
            });
            return;
        }
        let mut last: Option<(&str, Option<T>)> = None;
        self.taken.each(array, |row, at| {
            let Some(text) = text_at(array, at) else { return };
            let made = match last {
                Some((same, made)) if same == text => made,
                _ => make(text),
            };
            last = Some((text, made));
            if let Some(made) = made {
                show(row, made);
            }
        });
    }

    fn tags(&self, column: &mut Column<Option<u32>>, lists: &mut TagLists, texts: &mut Texts) {
        let Some(array) = self.column(Col::tags) else { return };
        let Some(list): Option<&ListArray> = array.as_list_opt() else { return };
        if list.values().is_empty() {
            return;
        }
        let (places, ends) = (self.taken.of(column), list.value_offsets());
        let mut tags = Vec::new();
        self.taken.each(list, |row, at| {
            let range = ends[at].as_usize()..ends[at + 1].as_usize();
            if !range.is_empty() {
                tags.clear();
                tags.extend(range.filter_map(|at| text_at(list.values(), at)).map(|tag| texts.add(tag)));
                places[row] = lists.add(&tags);
            }
        });
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
