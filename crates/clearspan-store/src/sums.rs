//! Sums that notice when they go beyond what their type can hold.
//!
//! The engine's own go on with what is left of the number, so that a sum of costs may be negative. Whole numbers and money are
//! summed here, in one of two ways ([`Beyond`]); all others by the engine.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowNumericType, AsArray, BooleanArray, PrimitiveArray};
use arrow::compute::sum_checked;
use arrow::datatypes::{ArrowNativeTypeOp, DataType, Decimal128Type, FieldRef, Int64Type, UInt64Type, i256};
use clearspan_model::ErrorKind;
use datafusion::common::{DataFusionError, Result as DfResult, ScalarValue};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, Expr, GroupsAccumulator, ReversedUDAF,
    SetMonotonicity, Signature,
};

use crate::Error;

/// What becomes of a sum that goes beyond its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Beyond {
    /// The query fails and says so.
    Refused,
    /// It is as much as the type can hold.
    Most,
}

/// `sum`, which fails where it goes beyond its type.
pub(crate) fn refusing() -> AggregateUDF {
    AggregateUDF::from(Sum { inner: sum_udaf(), beyond: Beyond::Refused })
}

/// A sum that is as much as its type can hold where it is more.
pub(crate) fn at_most(of: Expr) -> Expr {
    AggregateUDF::from(Sum { inner: sum_udaf(), beyond: Beyond::Most }).call(vec![of])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Sum {
    inner: Arc<AggregateUDF>,
    beyond: Beyond,
}

/// Numbers that are summed here.
trait Summed: ArrowNumericType {
    const LEAST: Self::Native;
    const MOST: Self::Native;

    fn widened(value: Self::Native) -> i256;
    /// None where it does not fit.
    fn narrowed(wide: i256) -> Option<Self::Native>;
}

impl Summed for Int64Type {
    const LEAST: i64 = i64::MIN;
    const MOST: i64 = i64::MAX;

    fn widened(value: i64) -> i256 {
        i256::from_i128(value.into())
    }

    fn narrowed(wide: i256) -> Option<i64> {
        wide.to_i128()?.try_into().ok()
    }
}

impl Summed for UInt64Type {
    const LEAST: u64 = 0;
    const MOST: u64 = u64::MAX;

    fn widened(value: u64) -> i256 {
        i256::from_i128(value.into())
    }

    fn narrowed(wide: i256) -> Option<u64> {
        wide.to_i128()?.try_into().ok()
    }
}

/// As many digits as the type may have: fewer than there is room for.
impl Summed for Decimal128Type {
    const LEAST: i128 = -Self::MOST;
    const MOST: i128 = 10_i128.pow(38) - 1;

    fn widened(value: i128) -> i256 {
        i256::from_i128(value)
    }

    fn narrowed(wide: i256) -> Option<i128> {
        wide.to_i128().filter(|sum| (Self::LEAST..=Self::MOST).contains(sum))
    }
}

impl Beyond {
    fn add<T: Summed>(self, sum: T::Native, value: T::Native) -> DfResult<T::Native> {
        match sum.add_checked(value) {
            Ok(sum) if sum.is_ge(T::LEAST) && sum.is_le(T::MOST) => Ok(sum),
            _ if self == Self::Refused => Err(too_large()),
            _ if value.is_lt(T::default_value()) => Ok(T::LEAST),
            _ => Ok(T::MOST),
        }
    }
}

fn too_large() -> DataFusionError {
    let what = "a sum goes beyond what its type can hold (9·10^18 for counts, 10^26 for costs); \
                use sum(cast(… as double))";
    DataFusionError::External(Box::new(Error::new(ErrorKind::TooLarge, what)))
}

/// An accumulator of the type that is summed; none where the engine sums it.
macro_rules! of_type {
    ($args:expr, $make:ident, $beyond:expr) => {
        match $args.return_type() {
            DataType::Int64 => Some(Box::new($make::<Int64Type>::new($args.return_type(), $beyond)) as _),
            DataType::UInt64 => Some(Box::new($make::<UInt64Type>::new($args.return_type(), $beyond)) as _),
            DataType::Decimal128(..) => {
                Some(Box::new($make::<Decimal128Type>::new($args.return_type(), $beyond)) as _)
            }
            _ => None,
        }
    };
}

impl AggregateUDFImpl for Sum {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> DfResult<DataType> {
        self.inner.return_type(arguments)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        let own: Option<Box<dyn Accumulator>> = of_type!(args, One, self.beyond);
        match own {
            Some(sum) if args.is_distinct => {
                Ok(Box::new(Distinct { values: self.inner.accumulator(args)?, sum }))
            }
            Some(sum) => Ok(sum),
            None => self.inner.accumulator(args),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> DfResult<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> DfResult<Box<dyn GroupsAccumulator>> {
        let own: Option<Box<dyn GroupsAccumulator>> = of_type!(args, Groups, self.beyond);
        own.map_or_else(|| self.inner.create_groups_accumulator(args), Ok)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        if args.is_distinct {
            // In a window that moves the engine keeps the sum as it goes.
            return self.inner.create_sliding_accumulator(args);
        }
        let own: Option<Box<dyn Accumulator>> = of_type!(args, One, self.beyond);
        own.map_or_else(|| self.inner.create_sliding_accumulator(args), Ok)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.inner.inner().set_monotonicity(data_type)
    }
}

/// One sum. What leaves a window that moves is taken off again.
#[derive(Debug)]
struct One<T: Summed> {
    /// Wide enough for what is in between.
    sum: i256,
    count: u64,
    data_type: DataType,
    beyond: Beyond,
    of: PhantomData<fn() -> T>,
}

impl<T: Summed> One<T> {
    fn new(data_type: &DataType, beyond: Beyond) -> Self {
        Self { sum: i256::ZERO, count: 0, data_type: data_type.clone(), beyond, of: PhantomData }
    }
}

impl<T: Summed + Debug> Accumulator for One<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        let values = values[0].as_primitive::<T>();
        self.count += (values.len() - values.null_count()) as u64;
        // Most batches fit, and then wide numbers need not be added one by one.
        let of_batch = match sum_checked(values) {
            Ok(sum) => sum.map_or(i256::ZERO, T::widened),
            Err(_) => values.iter().flatten().map(T::widened).fold(i256::ZERO, i256::wrapping_add),
        };
        self.sum = self.sum.wrapping_add(of_batch);
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        self.update_batch(states)
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        for value in values[0].as_primitive::<T>().iter().flatten() {
            self.sum = self.sum.wrapping_sub(T::widened(value));
            self.count -= 1;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        let sum = match T::narrowed(self.sum) {
            Some(sum) => sum,
            None if self.beyond == Beyond::Refused => return Err(too_large()),
            None if self.sum < i256::ZERO => T::LEAST,
            None => T::MOST,
        };
        ScalarValue::new_primitive::<T>((self.count > 0).then_some(sum), &self.data_type)
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// The sum of values that differ: the engine finds them.
#[derive(Debug)]
struct Distinct {
    values: Box<dyn Accumulator>,
    /// Has seen nothing before [`Accumulator::evaluate`].
    sum: Box<dyn Accumulator>,
}

impl Accumulator for Distinct {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        self.values.update_batch(values)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        self.values.merge_batch(states)
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        for state in self.values.state()? {
            for values in state.to_array()?.as_list::<i32>().iter().flatten() {
                self.sum.update_batch(&[values])?;
            }
        }
        self.sum.evaluate()
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        self.values.state()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.size() + self.sum.size()
    }
}

/// The sum of each of some groups.
#[derive(Debug)]
struct Groups<T: Summed> {
    sums: Vec<T::Native>,
    /// Which of them have a value at all.
    seen: Vec<bool>,
    data_type: DataType,
    beyond: Beyond,
}

impl<T: Summed> Groups<T> {
    fn new(data_type: &DataType, beyond: Beyond) -> Self {
        Self { sums: Vec::new(), seen: Vec::new(), data_type: data_type.clone(), beyond }
    }

    fn add(&mut self, group: usize, value: T::Native) -> DfResult<()> {
        self.sums[group] = self.beyond.add::<T>(self.sums[group], value)?;
        self.seen[group] = true;
        Ok(())
    }

    fn array(&self, sums: PrimitiveArray<T>) -> ArrayRef {
        Arc::new(sums.with_data_type(self.data_type.clone()))
    }
}

impl<T: Summed> GroupsAccumulator for Groups<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> DfResult<()> {
        self.sums.resize(total_num_groups, T::default_value());
        self.seen.resize(total_num_groups, false);
        let values = values[0].as_primitive::<T>();
        let mut rows = group_indices.iter().zip(values.values());
        match (values.nulls(), opt_filter) {
            (None, None) => rows.try_for_each(|(group, value)| self.add(*group, *value)),
            (Some(nulls), None) => {
                nulls.valid_indices().try_for_each(|row| self.add(group_indices[row], values.value(row)))
            }
            (_, Some(_)) => rows.enumerate().try_for_each(|(row, (group, value))| {
                match values.is_valid(row) && passes(opt_filter, row) {
                    true => self.add(*group, *value),
                    false => Ok(()),
                }
            }),
        }
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> DfResult<()> {
        self.update_batch(values, group_indices, None, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> DfResult<ArrayRef> {
        let (sums, seen) = (emit_to.take_needed(&mut self.sums), emit_to.take_needed(&mut self.seen));
        Ok(self.array(PrimitiveArray::new(sums.into(), Some(seen.into()))))
    }

    fn state(&mut self, emit_to: EmitTo) -> DfResult<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> DfResult<Vec<ArrayRef>> {
        let values = values[0].as_primitive::<T>();
        let passing = values.iter().enumerate().map(|(row, value)| value.filter(|_| passes(opt_filter, row)));
        Ok(vec![self.array(passing.collect())])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<T::Native>() + self.seen.capacity()
    }
}

fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

#[cfg(test)]
mod tests;
