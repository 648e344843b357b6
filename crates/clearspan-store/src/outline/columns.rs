//! The rows of an outline, column by column: who asks one thing of 100,000 runs reads no more than that, and what no run
//! has takes no room.

use std::ops::Range;

use clearspan_model::rollup::Billed;
use clearspan_model::{Decimal, RunId, RunType, Status, UnixNanos, UnpricedReason};

use super::{OutlineRun, Text, position};

/// What a row has of which nothing is known.
pub(crate) trait Blank: Copy + PartialEq {
    const BLANK: Self;
}

impl<T: Copy + PartialEq> Blank for Option<T> {
    const BLANK: Self = None;
}

impl Blank for bool {
    const BLANK: Self = false;
}

impl Blank for u32 {
    const BLANK: Self = 0;
}

impl Blank for RunId {
    const BLANK: Self = Self::NIL;
}

impl Blank for RunType {
    const BLANK: Self = Self::Chain;
}

impl Blank for Status {
    const BLANK: Self = Self::Pending;
}

impl Blank for UnixNanos {
    const BLANK: Self = Self::from_nanos(0);
}

impl Blank for Billed {
    const BLANK: Self = Self { tokens: false, cost: false, gap: false };
}

impl Blank for Text {
    const BLANK: Self = Self::UNNAMED;
}

/// One value for each row. Rows behind the last one that was set are blank.
#[derive(Debug)]
pub(crate) struct Column<T>(Vec<T>);

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> From<Vec<T>> for Column<T> {
    fn from(values: Vec<T>) -> Self {
        Self(values)
    }
}

impl<T: Blank> Column<T> {
    #[inline]
    pub(crate) fn get(&self, row: usize) -> T {
        self.0.get(row).copied().unwrap_or(T::BLANK)
    }

    pub(crate) fn set(&mut self, row: usize, value: T) {
        if row >= self.0.len() {
            self.0.resize(row + 1, T::BLANK);
        }
        self.0[row] = value;
    }

    /// The places of the last rows, which are blank unless they were set. `expected` is how many rows there will be.
    pub(crate) fn last_rows(&mut self, rows: Range<usize>, expected: usize) -> &mut [T] {
        if self.0.capacity() < rows.end {
            self.0.reserve(expected.max(rows.end) - self.0.len());
        }
        self.0.resize(rows.end, T::BLANK);
        &mut self.0[rows]
    }

    /// As far as rows were set.
    pub(crate) fn set_rows(&self) -> &[T] {
        &self.0
    }

    fn reorder(&mut self, order: &[u32]) {
        if !self.0.is_empty() {
            self.0 = order.iter().map(|row| self.get(*row as usize)).collect();
        }
    }
}

/// The columns, how rows are taken apart into them, and how they are put together again.
macro_rules! columns {
    (every run { $($name:ident: $type:ty,)* } some runs { $($figure:ident: $figure_type:ty,)* }) => {
        #[derive(Debug, Default)]
        pub(crate) struct Columns {
            /// How many rows there are.
            pub(crate) len: usize,
            /// How many there will be.
            pub(crate) expected: usize,
            $(pub(crate) $name: Column<$type>,)*
            /// The place of the run's figures in `figures`, counted from 1; 0 when it has none.
            places: Column<u32>,
            figures: Vec<Figures>,
        }

        /// What a run used and cost, and what else but few runs have.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub(crate) struct Figures {
            $(pub(crate) $figure: $figure_type,)*
        }

        impl Figures {
            pub(crate) const BLANK: Self = Self { $($figure: <$figure_type>::BLANK,)* };
        }

        impl Columns {
            /// What is not asked of the row is not read.
            #[inline]
            pub(crate) fn row(&self, row: usize) -> OutlineRun {
                let figures = self.figures(row).unwrap_or(&Figures::BLANK);
                OutlineRun { $($name: self.$name.get(row),)* $($figure: figures.$figure,)* }
            }

            pub(crate) fn push(&mut self, run: &OutlineRun) {
                let row = self.len;
                self.len += 1;
                $(
                    if run.$name != <$type>::BLANK {
                        self.$name.set(row, run.$name);
                    }
                )*
                let figures = Figures { $($figure: run.$figure,)* };
                if figures != Figures::BLANK {
                    *self.figures_mut(row) = figures;
                }
            }

            /// Keeps the rows that are named, in that order.
            pub(crate) fn reorder(&mut self, order: &[u32]) {
                self.len = order.len();
                self.places.reorder(order);
                $(self.$name.reorder(order);)*
            }
        }
    };
}

columns! {
    every run {
        run_id: RunId,
        parent_run_id: Option<RunId>,
        parent: Option<u32>,
        name: Text,
        run_type: RunType,
        status: Status,
        error: Option<Text>,
        error_type: Option<Text>,
        start_time: UnixNanos,
        end_time: Option<UnixNanos>,
        model: Option<Text>,
        cost_reported: bool,
        unpriced: Option<UnpricedReason>,
        billed: Billed,
        double_of: Option<u32>,
        is_transport: bool,
        thread_id: Option<Text>,
        user_id: Option<Text>,
        environment: Option<Text>,
        input: Option<Text>,
        scope_name: Option<Text>,
        dialect: Option<Text>,
        tags: Option<u32>,
    }
    some runs {
        first_token_time: Option<UnixNanos>,
        input_tokens: Option<u64>,
        output_tokens: Option<u64>,
        total_tokens: Option<u64>,
        cache_read_tokens: Option<u64>,
        reasoning_tokens: Option<u64>,
        input_cost: Option<Decimal>,
        output_cost: Option<Decimal>,
        total_cost: Option<Decimal>,
        response_id: Option<Text>,
    }
}

impl Columns {
    /// `None` for a run that has none of them.
    #[inline]
    pub(crate) fn figures(&self, row: usize) -> Option<&Figures> {
        self.figures.get((self.places.get(row) as usize).checked_sub(1)?)
    }

    pub(crate) fn figures_mut(&mut self, row: usize) -> &mut Figures {
        let place = match self.places.get(row) {
            0 => {
                self.figures.push(Figures::BLANK);
                let place = position(self.figures.len());
                self.places.set(row, place);
                place
            }
            place => place,
        };
        &mut self.figures[place as usize - 1]
    }
}
