//! What an exchange costs on links that are not here: a model, not a measurement.

/// A link between ranks, by its data sheet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// What it is called.
    pub name: &'static str,
    /// Seconds until the first byte of a message arrives.
    pub latency: f64,
    /// Bytes a second each way.
    pub bandwidth: f64,
}

/// Links of which machines are built, from slow to fast: what their standards say,
/// less the overhead of the protocol above them.
pub const LINKS: [Link; 5] = [
    Link {
        name: "1 Gb Ethernet",
        latency: 50e-6,
        bandwidth: 0.117e9,
    },
    Link {
        name: "10 Gb Ethernet",
        latency: 20e-6,
        bandwidth: 1.17e9,
    },
    Link {
        name: "100 Gb InfiniBand",
        latency: 2e-6,
        bandwidth: 12e9,
    },
    Link {
        name: "PCIe 4.0 x16",
        latency: 5e-6,
        bandwidth: 25e9,
    },
    Link {
        name: "NVLink 4",
        latency: 3e-6,
        bandwidth: 400e9,
    },
];

impl Link {
    /// Seconds in which `ranks` ranks, each with a link of its own, sum `bytes`:
    /// every rank adds up a share for all and hands it round, so each sends and
    /// receives `2 (R - 1) / R` times the bytes in `2 (R - 1)` messages (Thakur,
    /// Rabenseifner and Gropp 2005, section 4).
    pub fn sum(&self, bytes: f64, ranks: usize) -> f64 {
        let others = (ranks - 1) as f64;
        2.0 * others * self.latency + 2.0 * others / ranks as f64 * bytes / self.bandwidth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_costs_what_its_bytes_and_messages_cost() {
        let link = Link {
            name: "any",
            latency: 1.0,
            bandwidth: 10.0,
        };
        assert_eq!(link.sum(100.0, 1), 0.0);
        assert_eq!(link.sum(100.0, 2), 2.0 + 10.0);
        assert_eq!(link.sum(100.0, 4), 6.0 + 15.0);
    }
}
