using System.Collections.Immutable;
using DistNet.Modules;

namespace DistNet.Jobs;

/// <summary>One value that a module takes in a job file.</summary>
/// <param name="Name">Its key; the module's own word for its main value (<c>linear: 128</c>).</param>
/// <param name="Type">What it may be.</param>
/// <param name="Default">Its default; null where it must be given.</param>
/// <param name="Meaning">What it means.</param>
public sealed record ModuleOption(string Name, JobValueType Type, object? Default, string Meaning)
{
    /// <summary>The option before it whose value is the default; null for a default of its own.</summary>
    public string? DefaultOf { get; init; }

    /// <summary>Whether a module without it is refused.</summary>
    public bool Required => Default is null && DefaultOf is null;
}

/// <summary>One kind of module that a job file can name.</summary>
/// <param name="Word">Its word, <c>linear</c>.</param>
/// <param name="Meaning">What it computes, in one sentence.</param>
/// <param name="Options">Its values, the main one first where it has one.</param>
/// <param name="Create">Makes the module from its values, in the order of <paramref name="Options"/>.</param>
/// <param name="Describe">The values of a module.</param>
public sealed record ModuleKind(
    string Word,
    string Meaning,
    ImmutableArray<ModuleOption> Options,
    Func<ImmutableArray<object?>, Module> Create,
    Func<Module, ImmutableArray<object?>> Describe)
{
    private static readonly Size2dType AtLeastOne = new(1);
    private static readonly Size2dType AtLeastZero = new(0);

    /// <summary>The kinds that take plain values. Those that hold models or names are read elsewhere: <c>select</c> by <see cref="SelectReader"/>, <c>shares</c> by <see cref="ModuleReader"/>, a residual by <see cref="ModelType"/>, blocks by <see cref="NamedBlocks"/>.</summary>
    public static ImmutableArray<ModuleKind> All { get; } =
    [
        new("linear", "y = Wx + b with W [outputs, inputs].",
            [
                new("linear", new IntegerType(1, int.MaxValue), null, "The number of outputs."),
                new("bias", WordType.Boolean, true, "Whether b is there."),
            ],
            values => new Linear((int)(Int128)values[0]!, (bool)values[1]!),
            module => [(Int128)((Linear)module).OutputCount, ((Linear)module).HasBias]),
        new("conv2d", "A convolution of images: [C, H, W], or [H, W] as one channel, to [outputs, H′, W′], with W [outputs, C ÷ groups, kernel height, kernel width].",
            [
                new("conv2d", new IntegerType(1, int.MaxValue), null, "The number of output channels."),
                new("kernel", AtLeastOne, null, "The kernel's height and width."),
                new("stride", AtLeastOne, new Size2d(1, 1), "From one output to the next, in inputs."),
                new("padding", new OrWordType(AtLeastZero, "same", Conv2d.Same), new Size2d(0, 0), "Rows and columns of 0 added at each edge; `same` gives as many outputs as inputs."),
                new("dilation", AtLeastOne, new Size2d(1, 1), "From one row or column of the kernel to the next, in inputs."),
                new("groups", new IntegerType(1, int.MaxValue), (Int128)1, "Groups of channels that do not see each other; as many as there are channels for a depthwise convolution."),
                new("bias", WordType.Boolean, true, "Whether each output channel has a bias."),
            ],
            values => new Conv2d(
                (int)(Int128)values[0]!, (Size2d)values[1]!, (Size2d)values[2]!, (Size2d)values[3]!, (Size2d)values[4]!, (int)(Int128)values[5]!, (bool)values[6]!),
            module => (Conv2d)module is var conv
                ? [(Int128)conv.OutputCount, conv.Kernel, conv.Stride, conv.Padding, conv.Dilation, (Int128)conv.Groups, conv.HasBias]
                : []),
        Plain("relu", "max(x, 0); the gradient passes at x = 0.", () => new Relu()),
        new("leaky-relu", "x, and slope · x where x < 0; the gradient passes at x = 0.",
            [new("leaky-relu", new NumberType(), 0.01, "The slope below 0.")],
            values => new LeakyRelu((double)values[0]!),
            module => [((LeakyRelu)module).Slope]),
        Plain("gelu", "x Φ(x), with the normal distribution's Φ; exact, not by tanh.", () => new Gelu()),
        Plain("silu", "x / (1 + exp(−x)), also called swish.", () => new Silu()),
        Plain("sigmoid", "1 / (1 + exp(−x)).", () => new Sigmoid()),
        Plain("tanh", "The hyperbolic tangent.", () => new Tanh()),
        Plain("softplus", "log(1 + exp(x)).", () => new Softplus()),
        Plain("softmax", "exp(x) over its sum along a sample. Not before `cross-entropy`, which takes logits.", () => new SoftMax()),
        Plain("log-softmax", "The logarithm of the softmax.", () => new LogSoftMax()),
        new("dropout", "While training, sets each value to 0 with this probability and scales the others by 1 / (1 − p).",
            [new("dropout", new NumberType { Minimum = 0, Maximum = 1, BelowMaximum = true }, 0.5, "The probability p of a 0.")],
            values => new Dropout((double)values[0]!),
            module => [((Dropout)module).Probability]),
        new("random-crop", "While training, pads an image with this many zeros on each side and cuts one of the old size out of it at random.",
            [new("random-crop", new IntegerType(0, int.MaxValue), (Int128)4, "The padding, less than the image's height and width.")],
            values => new RandomCrop((int)(Int128)values[0]!),
            module => [(Int128)((RandomCrop)module).Padding]),
        new("random-flip", "While training, mirrors an image left to right with this probability.",
            [new("random-flip", new NumberType { Minimum = 0, Maximum = 1 }, 0.5, "The probability.")],
            values => new RandomFlip((double)values[0]!),
            module => [((RandomFlip)module).Probability]),
        new("cutout", "While training, sets a square of an image to 0; its centre is any pixel.",
            [new("cutout", new IntegerType(1, int.MaxValue), null, "The square's side, at most the image's height and width.")],
            values => new Cutout((int)(Int128)values[0]!),
            module => [(Int128)((Cutout)module).Size]),
        new("max-pool2d", "The greatest element under each place of a window: [C, H, W] to [C, H′, W′]. Padding is never the greatest.",
            [
                new("max-pool2d", AtLeastOne, null, "The window's height and width."),
                new("stride", AtLeastOne, null, "From one place of the window to the next.") { DefaultOf = "max-pool2d" },
                new("padding", AtLeastZero, new Size2d(0, 0), "Rows and columns added at each edge; at most half the window."),
                new("dilation", AtLeastOne, new Size2d(1, 1), "From one row or column of the window to the next."),
            ],
            values => new MaxPool2d((Size2d)values[0]!, (Size2d)values[1]!, (Size2d)values[2]!, (Size2d)values[3]!),
            module => (MaxPool2d)module is var pool ? [pool.Kernel, pool.Stride, pool.Padding, pool.Dilation] : []),
        new("avg-pool2d", "The mean under each place of a window: [C, H, W] to [C, H′, W′].",
            [
                new("avg-pool2d", AtLeastOne, null, "The window's height and width."),
                new("stride", AtLeastOne, null, "From one place of the window to the next.") { DefaultOf = "avg-pool2d" },
                new("padding", AtLeastZero, new Size2d(0, 0), "Rows and columns of 0 added at each edge; at most half the window."),
                new("countIncludePadding", WordType.Boolean, true, "Whether padding counts in the divisor."),
            ],
            values => new AvgPool2d((Size2d)values[0]!, (Size2d)values[1]!, (Size2d)values[2]!, (bool)values[3]!),
            module => (AvgPool2d)module is var pool ? [pool.Kernel, pool.Stride, pool.Padding, pool.CountIncludePadding] : []),
        Plain("global-average-pool", "The mean of each channel: [C, H, W] to [C].", () => new GlobalAveragePool()),
        new("batch-norm", "(x − m) / √(v + ε) of each channel, the first dimension, with the statistics of a slice, in evaluation with running ones; then times a weight, plus a bias.",
            [
                Epsilon,
                new("momentum", new NumberType { Minimum = 0, Maximum = 1 }, 0.1, "How far the running statistics move in a step."),
                Affine,
            ],
            values => new BatchNorm((double)values[0]!, (double)values[1]!, (bool)values[2]!),
            module => [((BatchNorm)module).Epsilon, ((BatchNorm)module).Momentum, ((BatchNorm)module).Affine]),
        new("layer-norm", "(x − m) / √(v + ε) over the last dimensions of each sample; then times a weight, plus a bias, for each of their places.",
            [
                new("layer-norm", new IntegerType(1, int.MaxValue), (Int128)1, "How many of the last dimensions are normalised together."),
                Epsilon,
                Affine,
            ],
            values => new LayerNorm((int)(Int128)values[0]!, (double)values[1]!, (bool)values[2]!),
            module => [(Int128)((LayerNorm)module).NormalizedDimensions, ((LayerNorm)module).Epsilon, ((LayerNorm)module).Affine]),
        new("group-norm", "(x − m) / √(v + ε) over groups of the channels, the first dimension, of each sample; then times a weight, plus a bias, for each channel.",
            [
                new("group-norm", new IntegerType(1, int.MaxValue), null, "The number of groups, a divisor of the channels."),
                Epsilon,
                Affine,
            ],
            values => new GroupNorm((int)(Int128)values[0]!, (double)values[1]!, (bool)values[2]!),
            module => [(Int128)((GroupNorm)module).Groups, ((GroupNorm)module).Epsilon, ((GroupNorm)module).Affine]),
        Plain("flatten", "All dimensions of a sample as one.", () => new Flatten()),
        new("reshape", "The same values in another shape, row-major.",
            [new("reshape", new ListType<int>(new IntegerType(-1, int.MaxValue)), null, "The dimensions of one sample; one of them may be -1, for what the others leave.")],
            values => new Reshape(((ImmutableArray<int>)values[0]!).AsSpan()),
            module => [((Reshape)module).Dimensions]),
        new("columns", "Some of the input along its first dimension: features of a table, channels of an image.",
            [
                new("columns", new IntegerType(0, int.MaxValue), null, "The first one, from 0."),
                new("count", new IntegerType(1, int.MaxValue), (Int128)1, "How many."),
            ],
            values => new Columns((int)(Int128)values[0]!, (int)(Int128)values[1]!),
            module => [(Int128)((Columns)module).First, (Int128)((Columns)module).Count]),
        new("embedding", "A learned vector for each code, a whole number such as a category's: [N] to [N · dimension].",
            [
                new("embedding", new IntegerType(1, int.MaxValue), null, "The dimension of the vectors."),
                new("vocabulary", new IntegerType(1, int.MaxValue), null, "The number of codes, which are 0 to this less one."),
            ],
            values => new Embedding((int)(Int128)values[0]!, (int)(Int128)values[1]!),
            module => [(Int128)((Embedding)module).Dimension, (Int128)((Embedding)module).Vocabulary]),
        Plain("add", "The sum of two or more inputs of one shape.", () => new Add()),
        Plain("multiply", "The product of two or more inputs of one shape, element by element.", () => new Multiply()),
        Plain("concat", "Two or more inputs one after the other along the first dimension: channels, features.", () => new Concat()),
        Plain("max", "The larger of two inputs of one shape; at a tie the gradient goes to the second.", () => new Max()),
    ];

    private static ModuleOption Epsilon => new("epsilon", new NumberType { Minimum = 0, AboveMinimum = true }, 1e-5, "ε, added to the variance.");

    private static ModuleOption Affine => new("affine", WordType.Boolean, true, "Whether weight and bias are there.");

    private static ModuleKind Plain(string word, string meaning, Func<Module> create) => new(word, meaning, [], _ => create(), _ => []);
}
