using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Optimizers;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using Xunit;

namespace DistNet.Tests.Modules;

/// <summary>Trained normalisations inside small models against PyTorch in double precision, with a slice as large as the batch: losses and gradients in training, running statistics
/// after each of three steps, outputs in evaluation.</summary>
public sealed class NormGoldenTests
{
    // Float rounding against double in sums of up to a hundred terms, which cancel: some of 2^−24 of what is summed.
    private const double Tolerance = 5e-6;

    public static IEnumerable<ITheoryDataRow> Names => GoldenCase.All("norms.json").Select(golden => new TheoryDataRow<string>(golden.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void Training_and_evaluation_agree_with_PyTorch(string name)
    {
        GoldenCase golden = GoldenCase.Of("norms.json", name);
        Shape shape = new(golden.Integers("shape"));
        int rows = (int)golden.Number("rows");
        Graph graph = Graph.Build(Model(name), shape);
        using ThreadTeam team = new(1, "test");
        using Crew crew = new(1, "test");
        ParameterUpdate update = new(graph.Layout, new() { Kind = OptimizerKind.Sgd }, new(), VectorUnit.Widest, crew);
        Dictionary<string, double[]> values = golden.Tensors("parameters");
        Assert.Equal(values.Keys.Order(StringComparer.Ordinal), graph.Layout.Entries.Select(entry => entry.Name).Order(StringComparer.Ordinal));
        foreach (ParameterEntry entry in graph.Layout.Entries)
        {
            Array.ConvertAll(values[entry.Name], value => (float)value).CopyTo(update.Parameters[entry]);
        }

        foreach (GoldenCase step in golden.Cases("steps"))
        {
            Dataset data = TestBed.Regression(shape, step.Floats("inputs"), step.Floats("targets"));
            TestBed.Pass pass = TestBed.Train(graph, TestBed.MeanSquares, data, update.Parameters, sliceSize: rows);
            Assert.Equal(step.Number("loss"), pass.Metrics.Loss, step.Number("loss") * Tolerance);
            foreach ((string parameter, double[] gradient) in step.Tensors("gradients"))
            {
                GoldenCase.AssertClose(gradient, pass.Of(graph, parameter), Tolerance, $"the gradient of {parameter}");
            }

            Assert.True(update.Apply([new NodeGradient(new SumNode(0, 0), pass.Gradient)], 1, rows, rows, learningRate: 0, new()).Finite);
            foreach ((string buffer, double[] expected) in step.Tensors("buffers"))
            {
                Assert.True(graph.Layout.TryFind(buffer, out ParameterEntry? entry) && entry.IsBuffer);
                GoldenCase.AssertClose(expected, update.Parameters[entry], Tolerance, buffer);
            }

            GoldenCase.AssertClose(step.Doubles("outputs"), TestBed.Predict(graph, data, update.Parameters), Tolerance, "the output in evaluation");
        }
    }

    private static ModelDefinition Model(string name) => name switch
    {
        "batch-norm of features" => ModelDefinition.Chain(new Linear(4, bias: false), new BatchNorm(), new Linear(3)),
        "batch-norm first" => ModelDefinition.Chain(new BatchNorm(0.25, 0.75), new Linear(3)),
        "batch-norm without weights" => ModelDefinition.Chain(new Linear(20, bias: false), new BatchNorm(momentum: 0, affine: false), new Linear(3)),
        "batch-norm of sequences" => ModelDefinition.Chain(new BatchNorm(), new Flatten(), new Linear(3)),
        "batch-norm of images" => ModelDefinition.Chain(new LayerNorm(3), new BatchNorm(momentum: 1), new Flatten(), new Linear(3)),
        "batch-norm of one image" => ModelDefinition.Chain(new BatchNorm(), new Flatten(), new Linear(3)),
        "layer-norm of features" => ModelDefinition.Chain(new Linear(20), new LayerNorm(epsilon: 0.125), new Linear(3)),
        "layer-norm of sequences" => ModelDefinition.Chain(new LayerNorm(2), new LayerNorm(), new Flatten(), new Linear(3)),
        "layer-norm of images" => ModelDefinition.Chain(new LayerNorm(3), new LayerNorm(2, affine: false), new Flatten(), new Linear(3)),
        "group-norm of images" => ModelDefinition.Chain(new LayerNorm(3), new GroupNorm(3, epsilon: 0.125), new Flatten(), new Linear(3)),
        "group-norm of instances" => ModelDefinition.Chain(new LayerNorm(3), new GroupNorm(3, affine: false), new Flatten(), new Linear(3)),
        "group-norm of features" => ModelDefinition.Chain(new Linear(8), new GroupNorm(2), new Linear(3)),
        "group-norm first" => ModelDefinition.Chain(new GroupNorm(1), new Flatten(), new Linear(3)),
        _ => throw new ArgumentException(name),
    };
}
