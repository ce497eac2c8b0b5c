//! What each stack depended on when it was deployed last: a removal goes the other way round,
//! also when `stacks.yaml` does not have it any more.

use std::collections::{BTreeMap, BTreeSet};

use dockerops_core::names::{Owner, StackName};
use dockerops_core::order::Orders;
use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError};

impl Store {
    /// Records what `stack` depends on. Writes nothing when that is known.
    pub fn record_order(
        &mut self,
        owner: &Owner,
        stack: &str,
        depends_on: &BTreeSet<StackName>,
    ) -> Result<(), StoreError> {
        let names: Vec<_> = depends_on.iter().map(StackName::as_str).collect();
        let names = names.join(",");
        let known: Option<String> = self.read(|connection| {
            let select = "SELECT depends_on FROM orders WHERE repository = ?1 AND stack = ?2";
            let row = connection.query_row(select, params![owner.0, stack], |row| row.get(0));
            row.optional()
        })?;
        if known.unwrap_or_default() == names {
            return Ok(());
        }
        self.write(|transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO orders VALUES (?1, ?2, ?3)",
                params![owner.0, stack, names],
            )?;
            Ok(())
        })
    }

    /// What each stack depends on.
    pub fn orders(&self) -> Result<Orders, StoreError> {
        let rows: Vec<(String, String)> = self.read(|connection| {
            let mut statement = connection.prepare("SELECT stack, depends_on FROM orders")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })?;
        let mut orders: Orders = BTreeMap::new();
        for (stack, names) in rows {
            let Ok(stack) = StackName::parse(&stack) else {
                continue;
            };
            let names = names
                .split(',')
                .filter_map(|name| StackName::parse(name).ok());
            orders.entry(stack).or_default().extend(names);
        }
        Ok(orders)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stack_depended_on_is_known_until_it_is_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let mut store = Store::open(&home.path().join("d.db")).unwrap();
        let owner = Owner("https://example.com/repo".to_owned());
        let name = |name: &str| StackName::parse(name).unwrap();
        let before = BTreeSet::from([name("cache"), name("db")]);
        store.record_order(&owner, "web", &before).unwrap();
        store.record_order(&owner, "db", &BTreeSet::new()).unwrap();
        let orders = store.orders().unwrap();
        assert_eq!(orders, BTreeMap::from([(name("web"), before)]));
        store.remove_stack(&owner, "web").unwrap();
        assert_eq!(store.orders().unwrap(), BTreeMap::new());
    }
}
