//! Core: what the memories of hrStorageTable are. Linux counts what it has lent to buffers and caches
//! as used, and lists it in rows of its own (net-snmp); so does what is built on it.

use crate::poll::plan::{MEMORY_SIZE, MEMORY_USED};
use crate::poll::shape::{Lending, Trait};

/// Zones of the kernel's allocators, by the hundred (bsnmpd's hostres module).
pub(super) fn is_of_kernel(name: &str) -> bool {
    name.starts_with("UMA: ") || name.starts_with("MALLOC: ")
}

/// Whether memory is lent by this name.
pub(super) fn is_lent(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("buffer") || name.contains("cache")
}

/// What a memory is by its kind and name. What is neither RAM nor virtual is a part of the memory: it has
/// no size of its own, or its share would be a hundred percent at all times.
pub(super) fn is(kind: &str, name: &str) -> Trait {
    let lends = is_lent(name);
    let name = name.to_ascii_lowercase();
    let has = |word: &str| name.contains(word);
    let (metrics, lending) = match kind {
        _ if lends => (MEMORY_USED, Lending::Lent),
        "other_memory" if has("available") => (MEMORY_SIZE, Lending::Available),
        "other_memory" => (MEMORY_USED, Lending::None),
        "ram" => (MEMORY_SIZE | MEMORY_USED, Lending::Ram),
        _ if has("virtual") => (MEMORY_SIZE | MEMORY_USED, Lending::Virtual),
        // Swap, or a disk that is kept there.
        _ => (MEMORY_SIZE | MEMORY_USED, Lending::None),
    };
    Trait { object: "memory", metrics, lending, ..Trait::NOTHING }
}

/// Looks at the rows together, each with its size: nobody lends where there is not one memory to lend
/// from, and the virtual memory of a system without swap says the same once more.
pub(super) fn settle<'a>(rows: impl Iterator<Item = (&'a mut Trait, Option<i64>)>) {
    let mut rows: Vec<_> = rows.filter(|(is, _)| is.object == "memory").collect();
    let is_lent_or_free = |is: &Trait| matches!(is.lending, Lending::Lent | Lending::Available);
    let lends = rows.iter().any(|(is, _)| is_lent_or_free(is));
    let mut rams = rows.iter().filter(|(is, _)| is.lending == Lending::Ram);
    let ram = rams.next().map(|(_, size)| *size);
    let Some(size_of_ram) = ram.filter(|_| lends && rams.next().is_none()) else {
        for (is, _) in rows {
            // Where no other is called so, it is the memory.
            if ram.is_none() && !is_lent_or_free(is) {
                is.metrics |= MEMORY_SIZE;
            }
            is.lending = Lending::None;
        }
        return;
    };
    // In the same units: net-snmp gives both in units of 1,024.
    for (is, size) in &mut rows {
        if is.lending == Lending::Virtual && *size == size_of_ram {
            is.metrics &= !MEMORY_SIZE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(rows: &[(&str, &str, i64)]) -> Vec<(u64, Lending)> {
        let mut traits: Vec<_> = rows.iter().map(|(kind, name, _)| is(kind, name)).collect();
        settle(traits.iter_mut().zip(rows.iter().map(|(_, _, size)| Some(*size))));
        traits.into_iter().map(|is| (is.metrics, is.lending)).collect()
    }

    #[test]
    fn what_is_alone_is_the_memory_whatever_its_type() {
        assert_eq!(settled(&[("other_memory", "Memory", 1000)]), [(BOTH, Lending::None)]);
    }

    const BOTH: u64 = MEMORY_SIZE | MEMORY_USED;

    #[test]
    fn a_linux_lends_to_its_caches() {
        let rows = [
            ("ram", "Physical memory", 1000),
            ("virtual_memory", "Virtual memory", 1500),
            ("other_memory", "Memory buffers", 1000),
            ("other_memory", "Cached memory", 200),
            ("other_memory", "Shared memory", 10),
            ("virtual_memory", "Swap space", 500),
            ("other_memory", "Available memory", 700),
        ];
        let expected = [
            (BOTH, Lending::Ram),
            (BOTH, Lending::Virtual),
            (MEMORY_USED, Lending::Lent),
            (MEMORY_USED, Lending::Lent),
            (MEMORY_USED, Lending::None),
            (BOTH, Lending::None),
            (MEMORY_SIZE, Lending::Available),
        ];
        assert_eq!(settled(&rows), expected);
    }

    #[test]
    fn without_swap_the_virtual_memory_has_no_share_of_its_own() {
        let rows = [
            ("ram", "Physical memory", 1000),
            ("virtual_memory", "Virtual memory", 1000),
            ("other_memory", "Cached memory", 200),
        ];
        assert_eq!(settled(&rows)[1], (MEMORY_USED, Lending::Virtual));
    }

    #[test]
    fn a_cache_may_be_listed_as_a_memory() {
        let rows =
            [("ram", "RAM", 1000), ("ram", "RAM (Buffers)", 1000), ("ram", "RAM (Cache)", 1000)];
        let lent = (MEMORY_USED, Lending::Lent);
        assert_eq!(settled(&rows), [(BOTH, Lending::Ram), lent, lent]);
    }

    #[test]
    fn nobody_lends_where_there_is_no_cache_or_not_one_memory() {
        let alone = [("ram", "main memory", 1000), ("virtual_memory", "Virtual Memory", 1000)];
        assert_eq!(settled(&alone), [(BOTH, Lending::None); 2]);
        let banks = [("ram", "bank 1", 10), ("ram", "bank 2", 10), ("other_memory", "Cached", 5)];
        let none = (BOTH, Lending::None);
        assert_eq!(settled(&banks), [none, none, (MEMORY_USED, Lending::None)]);
    }
}
