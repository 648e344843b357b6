//! Runs that had to wait for segments come in.

use std::time::Instant;

use arrow::array::RecordBatch;

use super::{Applier, keys_of};
use crate::Result;
use crate::native::commit::RETRY;
use crate::native::{bury, postponed};

impl Applier {
    /// Merges patches. Those whose segments cannot be reached wait.
    pub(super) fn merge_or_postpone(&mut self, batch: &RecordBatch) -> Result<()> {
        let Some(waits) = self.merge(batch)? else { return Ok(()) };
        if self.postponed.is_empty() {
            tracing::warn!("runs that arrived wait for segments that cannot be reached now");
        }
        let record = postponed::pack(&waits)?;
        self.shared.late.exchange((&[], 0), (&keys_of(&waits)?, record.capacity()));
        self.postponed.records.push_back(record);
        self.shared.update_pressure(&self.shared.state.read());
        Ok(())
    }

    /// Applies the runs that had to wait.
    pub(super) fn catch_up_if_due(&mut self) {
        let is_due = !self.postponed.is_empty()
            && self.postponed.tried.is_none_or(|tried| tried.elapsed() >= RETRY)
            && self.shared.disk.check_readable().is_ok();
        if is_due && let Err(err) = self.catch_up() {
            self.shared.health.poison(&err);
        }
    }

    fn catch_up(&mut self) -> Result<()> {
        self.postponed.tried = Some(Instant::now());
        for _ in 0..self.postponed.records.len() {
            let Some(record) = self.postponed.records.pop_front() else { break };
            match self.try_again(&record) {
                Ok(None) => {}
                Ok(Some(waits)) => self.postponed.records.push_back(waits),
                Err(err) => {
                    // No tier may be closed without it.
                    self.postponed.records.push_front(record);
                    return Err(err);
                }
            }
            if self.shared.disk.check_readable().is_err() {
                break;
            }
        }
        self.shared.update_pressure(&self.shared.state.read());
        if self.postponed.is_empty() {
            tracing::info!("the runs that waited for segments are in");
            if self.is_full() {
                self.start_flush(true)?;
            }
        }
        Ok(())
    }

    /// Returns what of a record has to wait on.
    fn try_again(&mut self, record: &Vec<u8>) -> Result<Option<Vec<u8>>> {
        let batch = postponed::unpack(record)?;
        let keys = keys_of(&batch)?;
        // Some of them may have been deleted meanwhile.
        let waits = match bury::without_deleted_runs(&self.shared, &batch)?.living {
            Some(living) => self.merge(&living)?,
            None => None,
        };
        let waits = waits.map(|waits| Ok((postponed::pack(&waits)?, keys_of(&waits)?))).transpose()?;
        let come = waits.as_ref().map_or((&[][..], 0), |(record, keys)| (keys, record.capacity()));
        self.shared.late.exchange((&keys, record.capacity()), come);
        Ok(waits.map(|(record, _)| record))
    }
}
