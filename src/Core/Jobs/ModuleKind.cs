using System.Collections.Immutable;
using DistNet.Modules;

namespace DistNet.Jobs;

/// <summary>One value that a module takes in a job file.</summary>
/// <param name="Name">Its key; the module's own word for its main value (<c>linear: 128</c>).</param>
/// <param name="Type">What it may be.</param>
/// <param name="Default">Its default; null where it must be given.</param>
/// <param name="Meaning">What it means.</param>
public sealed record ModuleOption(string Name, JobValueType Type, object? Default, string Meaning);

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
    /// <summary>The kinds that take plain values; <c>select</c> and <c>shares</c>, which hold models and names, are read by <see cref="ModelType"/>.</summary>
    public static ImmutableArray<ModuleKind> All { get; } =
    [
        new("linear", "y = Wx + b with W [outputs, inputs].",
            [
                new("linear", new IntegerType(1, int.MaxValue), null, "The number of outputs."),
                new("bias", WordType.Boolean, true, "Whether b is there."),
            ],
            values => new Linear((int)(Int128)values[0]!, (bool)values[1]!),
            module => [(Int128)((Linear)module).OutputCount, ((Linear)module).HasBias]),
        Plain("relu", "max(x, 0); the gradient passes at x = 0.", () => new Relu()),
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
        Plain("flatten", "All dimensions of a sample as one.", () => new Flatten()),
        Plain("add", "The sum of two or more inputs of one shape.", () => new Add()),
        Plain("max", "The larger of two inputs of one shape; at a tie the gradient goes to the second.", () => new Max()),
    ];

    private static ModuleKind Plain(string word, string meaning, Func<Module> create) => new(word, meaning, [], _ => create(), _ => []);
}
