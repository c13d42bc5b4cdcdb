//! AlexNet on one page, in the order of the paper's Figure 2.

use ablate_nn::{Conv2d, LayerInit, MaxPool2d, StackBuilder};

use crate::config::ConvLayer::{Conv1, Conv2, Conv3, Conv4, Conv5};
use crate::{AlexNet, ConvLayer, DropoutPlace, Init, Pooling};

/// The layers (paper, section 3.5) for `classes` classes.
#[rustfmt::skip]
pub fn layers(config: &AlexNet, classes: usize) -> StackBuilder {
    let [k1, k2, k3, k4, k5] = config.kernels_per_layer();
    let [s2, s3, s4, s5] = config.sizes;
    let stem = config.stem;
    let hidden = config.hidden_units();
    // Section 3.2: a tower sees only itself in conv2, conv4 and conv5; conv3
    // and the fully connected layers see both towers, conv1 the image.
    let towers = |layer| if first_layer(config) == Some(layer) { 1 } else { config.gpus };
    let act = config.activation.into();                 // Section 3.1
    let norm = |index| config.lrn.after(index);         // Section 3.3
    let pool = match config.pooling {                   // Section 3.4
        Pooling::Overlapping =>    MaxPool2d { size: 3, stride: 2, padding: 0 },
        Pooling::NonOverlapping => MaxPool2d { size: 2, stride: 2, padding: 0 },
    };
    let dropout = |place| if config.dropout_at == place { config.dropout } else { 0.0 };
    let keeps = |layer| !config.remove.contains(&layer);
    let init = |bias| initial(config, bias);            // Section 5
    let [fc6, fc7, fc8] = classifier_names(config);

    StackBuilder::default()
        .towers(config.separate_towers())                        // Section 3.2
        .when(keeps(Conv1), |net| net
            .conv2d("features.0", Conv2d { kernels: k1, size: stem.size, stride: stem.stride, padding: stem.padding, groups: 1 }, init(0.0))
            .activation(act)
            .local_response_norm(norm(0)))
        .max_pool2d(pool)
        .when(keeps(Conv2), |net| net
            .conv2d("features.4", same(k2, s2, towers(Conv2)), init(1.0))
            .activation(act)
            .local_response_norm(norm(1)))
        .max_pool2d(pool)
        .when(keeps(Conv3), |net| net
            .conv2d("features.8", same(k3, s3, 1), init(0.0))
            .activation(act))
        .when(keeps(Conv4), |net| net
            .conv2d("features.10", same(k4, s4, towers(Conv4)), init(1.0))
            .activation(act))
        .when(keeps(Conv5), |net| net
            .conv2d("features.12", same(k5, s5, towers(Conv5)), init(1.0))
            .activation(act))
        .max_pool2d(pool)
        .flatten()
        .dropout("dropout.maps", dropout(DropoutPlace::Maps))
        .linear(fc6, hidden, init(1.0))
        .activation(act)
        .dropout("dropout.fc6", dropout(DropoutPlace::Hidden))   // Section 4.2
        .linear(fc7, hidden, init(1.0))
        .activation(act)
        .features()                                              // Section 6.1
        .dropout("dropout.fc7", dropout(DropoutPlace::Hidden))
        .linear(fc8, classes, init(0.0))
}

/// A convolution of stride 1 that keeps the size of its maps.
fn same(kernels: usize, size: usize, groups: usize) -> Conv2d {
    Conv2d {
        kernels,
        size,
        stride: 1,
        padding: size / 2,
        groups,
    }
}

/// Section 5: weights from N(0, 0.01), and biases of 1 where they speed up the
/// early learning by giving ReLUs positive inputs.
fn initial(config: &AlexNet, bias: f64) -> LayerInit {
    let normal = |bias| LayerInit::Normal {
        deviation: config.deviation,
        bias,
    };
    match config.init {
        Init::Paper => normal(bias),
        Init::ZeroBiases => normal(0.0),
        Init::Pytorch => LayerInit::FanIn,
        Init::He => LayerInit::He,
    }
}

/// The layer that sees the image.
fn first_layer(config: &AlexNet) -> Option<ConvLayer> {
    ConvLayer::ALL
        .into_iter()
        .find(|layer| !config.remove.contains(layer))
}

/// As PyTorch numbers a `Sequential` of the linear layers, their non-linearities and
/// a dropout before the first of them. Dropouts in between are not counted, so that
/// turning them off renames nothing; torchvision counts them.
fn classifier_names(config: &AlexNet) -> [&'static str; 3] {
    match config.dropout_at {
        DropoutPlace::Hidden => ["classifier.0", "classifier.2", "classifier.4"],
        DropoutPlace::Maps => ["classifier.1", "classifier.3", "classifier.5"],
    }
}
