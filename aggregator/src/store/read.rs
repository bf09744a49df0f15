//! From columns to types: what does not fit was not written by us.

use sqlx::Row as _;
use sqlx::any::AnyRow;
use vantage_wire::{MarketId, UtcMicros, VantageId};

use super::error::StoreError;

/// The columns of one row of one table, taken by number.
pub(super) struct Columns<'a> {
    pub(super) table: &'static str,
    pub(super) row: &'a AnyRow,
}

impl Columns<'_> {
    pub(super) fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, column }
    }

    pub(super) fn number(&self, index: usize, column: &'static str) -> Result<i64, StoreError> {
        self.row.try_get(index).map_err(|_| self.corrupt(column))
    }

    /// A count or length, which is never negative.
    pub(super) fn count(&self, index: usize, column: &'static str) -> Result<u64, StoreError> {
        u64::try_from(self.number(index, column)?).map_err(|_| self.corrupt(column))
    }

    pub(super) fn optional_number(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<i64>, StoreError> {
        self.row.try_get(index).map_err(|_| self.corrupt(column))
    }

    pub(super) fn time(&self, index: usize, column: &'static str) -> Result<UtcMicros, StoreError> {
        Ok(UtcMicros::new(self.number(index, column)?))
    }

    pub(super) fn optional_time(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<UtcMicros>, StoreError> {
        Ok(self.optional_number(index, column)?.map(UtcMicros::new))
    }

    pub(super) fn flag(&self, index: usize, column: &'static str) -> Result<bool, StoreError> {
        match self.number(index, column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.corrupt(column)),
        }
    }

    pub(super) fn text(&self, index: usize, column: &'static str) -> Result<String, StoreError> {
        self.row.try_get(index).map_err(|_| self.corrupt(column))
    }

    pub(super) fn optional_text(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<String>, StoreError> {
        self.row.try_get(index).map_err(|_| self.corrupt(column))
    }

    pub(super) fn bytes(&self, index: usize, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.row.try_get(index).map_err(|_| self.corrupt(column))
    }

    pub(super) fn optional_bytes(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.row.try_get(index).map_err(|_| self.corrupt(column))
    }

    pub(super) fn array<const N: usize>(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<[u8; N], StoreError> {
        self.bytes(index, column)?.try_into().map_err(|_| self.corrupt(column))
    }

    pub(super) fn optional_array<const N: usize>(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<[u8; N]>, StoreError> {
        let bytes: Option<Vec<u8>> = self.row.try_get(index).map_err(|_| self.corrupt(column))?;
        bytes.map(|bytes| bytes.try_into().map_err(|_| self.corrupt(column))).transpose()
    }

    pub(super) fn vantage(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<VantageId, StoreError> {
        VantageId::new(&self.text(index, column)?).map_err(|_| self.corrupt(column))
    }

    pub(super) fn market(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<MarketId, StoreError> {
        MarketId::new(&self.text(index, column)?).map_err(|_| self.corrupt(column))
    }
}
