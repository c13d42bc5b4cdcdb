//! How the parameters of a layer start.

use candle_nn::Init;

/// The initialisation of one layer's weights and biases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LayerInit {
    /// Weights from a normal distribution of mean 0, biases at a constant
    /// (paper, section 5: deviation 0.01, biases 0 or 1).
    Normal {
        /// Standard deviation of the weights.
        deviation: f64,
        /// Every bias.
        bias: f64,
    },
    /// Weights and biases uniform in ±1/√fan-in, PyTorch's default for
    /// convolutions and linear layers (`kaiming_uniform_` with a = √5).
    FanIn,
    /// Weights from N(0, 2/fan-in), biases 0: ReLUs then hand signals on at the
    /// strength they had, however deep and narrow the network
    /// (He et al. 2015, equation 10).
    He,
}

impl LayerInit {
    /// The initialisation of a layer whose outputs each sum `fan_in` products.
    pub(crate) fn of_layer(self, fan_in: usize) -> ParameterInit {
        match self {
            Self::Normal { deviation, bias } => ParameterInit {
                weight: Init::Randn {
                    mean: 0.0,
                    stdev: deviation,
                },
                bias: Init::Const(bias),
            },
            Self::He => ParameterInit {
                weight: Init::Randn {
                    mean: 0.0,
                    stdev: (2.0 / fan_in as f64).sqrt(),
                },
                bias: Init::Const(0.0),
            },
            Self::FanIn => {
                let up = 1.0 / (fan_in as f64).sqrt();
                let uniform = Init::Uniform { lo: -up, up };
                ParameterInit {
                    weight: uniform,
                    bias: uniform,
                }
            }
        }
    }
}

/// What the parameters of one layer are drawn from.
pub(crate) struct ParameterInit {
    pub weight: Init,
    pub bias: Init,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_follow_the_fan_in() {
        let he = LayerInit::He.of_layer(50);
        assert!(matches!(he.weight, Init::Randn { mean: 0.0, stdev } if stdev == 0.2));
        assert!(matches!(he.bias, Init::Const(0.0)));
        let fan_in = LayerInit::FanIn.of_layer(25);
        assert!(matches!(fan_in.weight, Init::Uniform { lo, up } if lo == -0.2 && up == 0.2));
    }
}
