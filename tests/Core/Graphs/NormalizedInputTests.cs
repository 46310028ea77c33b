using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Tests.Kernels;
using Xunit;

namespace DistNet.Tests.Graphs;

/// <summary>A normalisation that reads the model's input gathers it, some rows at a time, and writes over it; one that is not alone in reading it, or stands elsewhere, does not.</summary>
public sealed class NormalizedInputTests
{
    private const int Slice = 8;

    [Theory]
    [InlineData(1, 19)]
    [InlineData(7, 19)]
    [InlineData(17, 19)]
    [InlineData(784, 117)]
    [InlineData(40_000, 3)]
    public void The_samples_are_normalised_by_the_plain_rule(int width, int count)
    {
        Normalization rule = Rule(width);
        Graph graph = Graph.Build(ModelDefinition.Chain(rule), new Shape(width));
        Arena parameters = new(graph.Layout);
        int[] order = [.. Enumerable.Range(0, count).Select(index => index * 5 % (count + 2))];
        SampleLabels labels = SampleLabels.Numbers(new float[count + 2], 1);
        byte[] bytes = [.. Enumerable.Range(0, (count + 2) * width).Select(index => (byte)(index * 37))];
        float[] floats = TestBed.Uniform((count + 2) * width, 1, 100);
        (Dataset Data, float[] Expected)[] cases =
        [
            (new ByteDataset(graph.InputShape, bytes, labels), Plain(rule, [.. bytes.Select(value => (float)value)], order)),
            (new FloatDataset(graph.InputShape, floats, labels), Plain(rule, floats, order)),
        ];

        foreach (VectorUnit unit in VectorUnit.Available())
        {
            for (int threads = 1; threads <= 3; threads++)
            {
                using ThreadTeam team = new(threads, "test");
                foreach (int? waveSlices in (int?[])[null, 1, 4])
                {
                    GraphExecution execution = new(graph, TestBed.MeanSquares, Slice, (count + Slice - 1) / Slice, unit, team, waveSlices);
                    foreach ((Dataset data, float[] expected) in cases)
                    {
                        float[] outputs = Bits.Unwritten(expected.Length);
                        execution.Predict(new PassInput { Data = data, Samples = order, FirstPlace = 0 }, parameters.Span, outputs);
                        Bits.Equal(expected, outputs, $"{unit}, {threads} threads, waves of {waveSlices}, {data.GetType().Name}");
                    }
                }
            }
        }
    }

    [Fact]
    public void Training_gives_the_bits_of_samples_that_were_normalised_before()
    {
        const int Width = 17, Count = 45;
        Shape shape = new(Width);
        float[] inputs = TestBed.Uniform(Count * Width, 2, 10);
        int[] labels = [.. Enumerable.Range(0, Count).Select(index => index * 7 % 3)];
        Normalization rule = Rule(Width);
        Dataset raw = TestBed.Classes(shape, inputs, labels, 3);
        Dataset normalised = TestBed.Classes(shape, Plain(rule, inputs, [.. Enumerable.Range(0, Count)]), labels, 3);

        // With small waves, the gradient of the wide layer is left to the end of the pass, and what it reads is kept.
        Module[] layers = [new Linear(70), new Relu(), new Linear(Width), new Tanh(), new Linear(3)];
        Graph plain = Graph.Build(ModelDefinition.Chain(layers), shape), graph = Graph.Build(ModelDefinition.Chain([rule, .. layers]), shape);
        Arena parameters = TestBed.Parameters(plain);
        TestBed.Pass expected = TestBed.Train(plain, TestBed.CrossEntropy, normalised, parameters);
        Assert.Contains(expected.Gradient, value => value != 0);
        for (int threads = 1; threads <= 3; threads++)
        {
            foreach (int? waveSlices in (int?[])[null, 1, 4])
            {
                expected.AssertSameBits(TestBed.Train(graph, TestBed.CrossEntropy, raw, parameters, 4, [new SliceRange(0, (Count + 3) / 4)], threads: threads, waveSlices: waveSlices));
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Another_reader_of_the_input_sees_it_as_it_is(bool isFirst)
    {
        Normalization rule = Rule(3);
        ImmutableArray<string> inputs = isFirst ? ["n", "input"] : ["input", "n"];
        Graph graph = Graph.Build(new ModelDefinition([new NodeDefinition("n", rule, ["input"]), new NodeDefinition("both", new Concat(), inputs)], "both"), new Shape(3));
        float[] x = TestBed.Uniform(15, 3, 4), y = Plain(rule, x, [0, 1, 2, 3, 4]);

        float[] outputs = TestBed.Predict(graph, TestBed.Regression(new Shape(3), x, new float[5]), new Arena(graph.Layout));

        Bits.Equal([.. x.Chunk(3).Zip(y.Chunk(3), (raw, normal) => isFirst ? normal.Concat(raw) : raw.Concat(normal)).SelectMany(row => row)], outputs, "both");
    }

    [Fact]
    public void Only_the_input_s_only_reader_writes_over_it()
    {
        ExecutionMemory first = Memory(Rule(3), new Tanh()), second = Memory(new Tanh(), Rule(3));
        Assert.True(first.SampleIsTakenIn);
        Assert.Same(first.Sample, first.Nodes[0].Output);
        Assert.False(second.SampleIsTakenIn);
        Assert.NotSame(second.Nodes[0].Output, second.Nodes[1].Output);
    }

    [Fact]
    public void A_channel_s_constants_hold_for_all_its_values()
    {
        Normalization rule = Rule(3);
        Graph graph = Graph.Build(ModelDefinition.Chain(rule), new Shape(3, 2, 5));
        float[] x = TestBed.Uniform(60, 6, 9);
        float[] expected = [.. x.Select((value, index) => (value - rule.Mean[index / 10 % 3]) / Math.Max(rule.Deviation[index / 10 % 3], rule.Epsilon))];

        Bits.Equal(expected, TestBed.Predict(graph, TestBed.Regression(graph.InputShape, x, new float[2]), new Arena(graph.Layout)), "channels");
    }

    private static ExecutionMemory Memory(params Module[] chain) => new(Graph.Build(ModelDefinition.Chain(chain), new Shape(3)), 2, 2, 2);

    private static Normalization Rule(int width) =>
        new([.. TestBed.Uniform(width, 4, 100)], [.. TestBed.Uniform(width, 5, 50).Select((value, column) => column % 5 == 3 ? 0 : Math.Abs(value))], epsilon: 0.75f);

    private static float[] Plain(Normalization rule, float[] values, int[] samples)
    {
        int width = rule.Mean.Length;
        return
        [
            .. samples.SelectMany(sample => Enumerable.Range(0, width).Select(column =>
                (values[(sample * width) + column] - rule.Mean[column]) / Math.Max(rule.Deviation[column], rule.Epsilon))),
        ];
    }
}
