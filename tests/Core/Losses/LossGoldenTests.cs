using DistNet.Data;
using DistNet.Graphs;
using DistNet.Losses;
using DistNet.Modules;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using DistNet.Tests.Modules;
using Xunit;

namespace DistNet.Tests.Losses;

/// <summary>The losses against PyTorch in double precision.</summary>
public sealed class LossGoldenTests
{
    private const double Tolerance = 1e-6;

    public static IEnumerable<ITheoryDataRow> Names => GoldenCase.All("losses.json").Select(golden => new TheoryDataRow<string>(golden.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void Loss_weight_and_gradient_agree_with_PyTorch(string name)
    {
        GoldenCase golden = GoldenCase.Of("losses.json", name);
        int width = (int)golden.Number("width");
        int rows = golden.Floats("logits").Length / width;
        (Graph graph, Arena parameters) = Identity(width);
        LossOptions options = new()
        {
            Kind = golden.Text("kind") switch
            {
                "cross-entropy" => LossKind.CrossEntropy,
                "binary-cross-entropy" => LossKind.BinaryCrossEntropy,
                _ => LossKind.MeanSquaredError,
            },
            ClassWeights = [.. golden.Floats("weights")],
            LabelSmoothing = golden.Has("smoothing") ? golden.Number("smoothing") : 0,
        };
        int classes = options.Kind == LossKind.BinaryCrossEntropy ? 2 : width;
        float[] gradient = new float[rows * width];
        double loss = 0;
        double weight = 0;
        for (int row = 0; row < rows; row++)
        {
            float[] logits = golden.Floats("logits")[(row * width)..((row + 1) * width)];
            Dataset data = options.Kind == LossKind.MeanSquaredError
                ? TestBed.Regression(new Shape(width), logits, golden.Floats("targets")[(row * width)..((row + 1) * width)])
                : TestBed.Classes(new Shape(width), logits, [golden.Integers("labels")[row]], classes);
            Loss.Create(options).CheckFits(graph, data);
            TestBed.Pass pass = TestBed.Train(graph, options, data, parameters);
            pass.Of(graph, "fc1.bias").CopyTo(gradient, row * width);
            loss += pass.Metrics.Loss;
            weight += pass.Metrics.Weight;
        }

        Assert.Equal(golden.Number("weight"), weight, 1e-12);
        Assert.Equal(golden.Number("loss"), loss, Math.Abs(golden.Number("loss")) * Tolerance);
        GoldenCase.AssertClose(golden.Doubles("gradient"), gradient, Tolerance, "the gradient");
    }

    // y = I·x + 0: the bias's gradient for one sample is the gradient by the logits.
    private static (Graph Graph, Arena Parameters) Identity(int width)
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(width)), new Shape(width));
        Arena parameters = new(graph.Layout);
        for (int index = 0; index < width; index++)
        {
            parameters[graph.Layout.Entries[0]][(index * width) + index] = 1;
        }

        return (graph, parameters);
    }
}
