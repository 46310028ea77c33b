using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using DistNet.Tests.Kernels;
using Xunit;
using Columns = DistNet.Modules.Columns;

namespace DistNet.Tests.Modules;

/// <summary>Embeddings of codes in a table, beside numbers; and what Concat and Columns refuse.</summary>
public sealed class EmbeddingTests
{
    private const int Vocabulary = 7;

    private static readonly Shape Row = new(4);

    private static readonly ModelDefinition Model = new(
        [
            new("codes", new Columns(1, 2), ["input"]), new("place", new Embedding(3, Vocabulary), ["codes"]), new("first", new Columns(0), ["input"]),
            new("last", new Columns(3), ["input"]), new("all", new Concat(), ["first", "place", "last"]), new("fc", new Linear(3), ["all"]),
        ],
        "fc");

    [Fact]
    public void Gradients_agree_with_central_differences()
    {
        Graph graph = Graph.Build(Model, Row);
        GradientCheckReport report = GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(Table(13)), TestBed.Parameters(graph).Span, sliceSize: 4);
        Assert.True(report.Passed, string.Join("; ", report.Parameters));
        Assert.Equal(["place.weight", "fc.weight", "fc.bias"], report.Parameters.Select(parameter => parameter.Name));
    }

    [Fact]
    public void Threads_widths_and_splits_do_not_change_the_bits()
    {
        Graph graph = Graph.Build(Model, Row);
        Dataset data = Table(45);
        Arena parameters = TestBed.Parameters(graph);
        TestBed.Pass one = TestBed.Train(graph, TestBed.CrossEntropy, data, parameters);
        one.AssertSameBits(TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, threads: 3));
        one.AssertSameBits(TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, 4, [new SliceRange(0, 5), new SliceRange(5, 7)]));
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            one.AssertSameBits(TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, unit: unit));
        }
    }

    [Fact]
    public void The_gradient_of_a_large_table_is_the_canonical_sum_whatever_its_blocks()
    {
        const int Codes = 3001, Dimension = 5, Samples = 26;
        Graph graph = Graph.Build(ModelDefinition.Chain(new Embedding(Dimension, Codes), new Columns(2, Dimension)), new Shape(2));
        float[] inputs = [.. Enumerable.Range(0, 2 * Samples).Select(index => (float)(index % 3 == 0 ? 17 : index * 1009 % Codes))];
        Dataset data = TestBed.Regression(new Shape(2), inputs, new Numbers(3).Floats(Samples * Dimension));
        Arena parameters = TestBed.Parameters(graph);
        float[] found = TestBed.Train(graph, TestBed.MeanSquares, data, parameters).Of(graph, "embedding1.weight");

        // The output is the last three floats of the first code's vector and the first two of the second's.
        float[][] slices = [.. Enumerable.Range(0, (Samples + 3) / 4).Select(_ => new float[Codes * Dimension])];
        for (int sample = 0; sample < Samples; sample++)
        {
            for (int index = 2; index < 2 + Dimension; index++)
            {
                int at = ((int)inputs[(2 * sample) + (index / Dimension)] * Dimension) + (index % Dimension);
                float y = parameters[graph.Layout.Entries[0]][at];
                slices[sample / 4][at] += 2 * (y - data.Targets[(sample * Dimension) + index - 2]) / Dimension;
            }
        }

        Bits.Equal(CanonicalSum.Fold<float[]>([.. Enumerable.Range(0, slices.Length).Select(slice => new SumNode(0, slice))], slices, slices.Length, (left, right) => [.. left.Zip(right, (a, b) => a + b)]), found, "the gradient");
    }

    [Theory]
    [InlineData(7f, "7")]
    [InlineData(-1f, "-1")]
    [InlineData(1.5f, "1.5")]
    [InlineData(float.NaN, "NaN")]
    public void A_code_out_of_range_is_named(float code, string words)
    {
        Graph graph = Graph.Build(ModelDefinition.Chain(("place", new Embedding(2, Vocabulary))), new Shape(1));
        DistNetException failure = Assert.Throws<DistNetException>(() => TestBed.Predict(graph, TestBed.Regression(new Shape(1), [1, code], [0, 0]), new Arena(graph.Layout)));
        Assert.Equal($"Node 'place' (embedding) got the code {words}; expected a whole number from 0 to 6, as its vocabulary is 7.", failure.Message);
    }

    [Fact]
    public void What_does_not_fit_is_said_in_a_sentence()
    {
        AssertRefused([new("a", new Columns(3, 2), ["input"])], "Node 'a' (columns) does not fit: it takes the columns 3 to 4, but its input [4] has 0 to 3.");
        AssertRefused(
            [new("b", new Reshape(2, 2), ["input"]), new("c", new Reshape(1, 4), ["input"]), new("a", new Concat(), ["b", "c"])],
            "Node 'a' (concat) does not fit: its inputs have the shapes [2, 2] and [1, 4], but all dimensions after the first must be the same.");
        AssertRefused(
            [new("b", new Reshape(2, 2), ["input"]), new("a", new Embedding(2, 3), ["b"])],
            "Node 'a' (embedding) does not fit: its input has the shape [2, 2], but an embedding takes codes in one dimension; put a flatten before it.");
        Assert.Equal("A module of kind columns takes 0 from 1 on; it needs at least 1, from at least 0 on.", Assert.Throws<DistNetException>(() => new Columns(1, 0)).Message);
        Assert.Equal(
            "A module of kind embedding has vectors of 0 for 5 codes; it needs at least 1 of each, and at most 2147483647 floats in all.", Assert.Throws<DistNetException>(() => new Embedding(0, 5)).Message);
        Assert.Equal("A module of kind leaky-relu has the slope NaN; it must be a finite float.", Assert.Throws<DistNetException>(() => new LeakyRelu(double.NaN)).Message);
    }

    private static Dataset Table(int samples)
    {
        float[] inputs = TestBed.Uniform(samples * Row.Length, 5, 2);
        for (int sample = 0; sample < samples; sample++)
        {
            inputs[(sample * 4) + 1] = sample * 3 % Vocabulary;
            inputs[(sample * 4) + 2] = sample % 2 == 0 ? inputs[(sample * 4) + 1] : sample % Vocabulary;
        }

        return TestBed.Classes(Row, inputs, [.. Enumerable.Range(0, samples).Select(index => index * 7 % 3)], 3);
    }

    private static void AssertRefused(NodeDefinition[] nodes, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<DistNetException>(() => Graph.Build(new([.. nodes], "a"), Row)).Message);
}
