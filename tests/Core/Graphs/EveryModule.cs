using DistNet.Data;
using DistNet.Graphs;
using DistNet.Modules;
using DistNet.Tensors;

namespace DistNet.Tests.Graphs;

/// <summary>A few models that have every module between them.</summary>
internal static class EveryModule
{
    private const int Codes = 5;

    // One with a pool that computes the ReLU before it, and a convolution by Winograd, too.
    private static readonly ModelDefinition OfImages = ModelDefinition.Chain(
        new RandomCrop(2), new RandomFlip(), new Cutout(3), new Normalization([0.5f, -0.5f], [1, 2]), new Conv2d(20, 3, padding: 1), new LayerNorm(3), new LeakyRelu(), new MaxPool2d(2),
        new Conv2d(16, 3, padding: 1), new Conv2d(9, 1), new GroupNorm(3), new Relu(), new MaxPool2d(2, stride: 1, padding: 1), new AvgPool2d(2, stride: 1), new GlobalAveragePool(), new Reshape(3, 3), new Flatten(), new Linear(4));

    // The first of the columns holds codes.
    private static readonly ModelDefinition OfTables = new(
        [
            new("code", new Columns(0), ["input"]), new("numbers", new Columns(1, 6), ["input"]), new("place", new Embedding(7, Codes), ["code"]), new("all", new Concat(), ["place", "numbers"]),
            new("ln", new LayerNorm(affine: false), ["all"]), new("block", Block.Sequential(new Linear(21), new Gelu()), ["ln"]), new("twice", new Duplicate(2), ["block"]),
            new("silu", new Silu(), ["twice"]), new("sigmoid", new Sigmoid(), ["twice"]), new("product", new Multiply(), ["silu", "sigmoid"]), new("softplus", new Softplus(), ["product"]),
            new("soft", new SoftMax(), ["product"]), new("log", new LogSoftMax(), ["soft"]), new("greater", new Max(), ["log", "softplus"]), new("fc", new Linear(4), ["greater"]),
        ],
        "fc");

    /// <summary>The models, with their inputs.</summary>
    public static readonly (ModelDefinition Model, Shape Input)[] Models = [(GraphExecutionTests.Model, new(37)), (OfImages, new(2, 5, 6)), (OfTables, new(7))];

    public static Graph Build(int model) => Graph.Build(Models[model].Model, Models[model].Input);

    /// <summary>Samples that a model takes.</summary>
    public static Dataset Data(int model, Graph graph, int samples)
    {
        (Shape shape, int classes) = (graph.InputShape, graph.OutputShape.Length);
        if (Models[model].Model != OfTables)
        {
            return TestBed.RandomClasses(shape, samples, classes);
        }

        float[] inputs = TestBed.Uniform(samples * shape.Length, seed: 1, bound: 2);
        for (int row = 0; row < samples; row++)
        {
            inputs[row * shape.Length] = row % Codes;
        }

        return TestBed.Classes(shape, inputs, [.. Enumerable.Range(0, samples).Select(row => row % classes)], classes);
    }
}
