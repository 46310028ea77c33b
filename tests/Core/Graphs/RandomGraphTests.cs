using CsCheck;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Losses;
using DistNet.Modules;
using DistNet.Runs;
using DistNet.Tensors;
using Xunit;

namespace DistNet.Tests.Graphs;

/// <summary>Properties of every graph, on random ones.</summary>
public sealed class RandomGraphTests
{
    private const int Samples = 27;
    private const int SliceSize = 4;

    private static readonly Gen<LossOptions> Losses = Gen.Select(Gen.Bool, Gen.Bool).Select(
        (weighted, smoothed) => TestBed.CrossEntropy with { ClassWeights = weighted ? [1, 2, 0.5f, 0, 3] : [], LabelSmoothing = smoothed ? 0.2 : 0 });

    [Fact]
    public void Gradients_agree_with_central_differences_in_double()
    {
        int compared = 0, kinks = 0;
        Gen.Select(RandomGraphs.Models, Losses, Gen.Int[1, 1000]).Sample(
            (model, loss, seed) =>
            {
                (Graph graph, Dataset data, Arena parameters) = Make(model, loss, seed);
                GradientCheckReport report = GradientCheck.Run(graph, loss, TestBed.Input(data, 0, 9), parameters.Span, SliceSize, maximumPerParameter: 12);
                Assert.True(report.MaximumError <= GradientCheckReport.Tolerance, $"{string.Join("; ", report.Parameters)}\n{graph.Describe()}");
                Interlocked.Add(ref compared, report.Parameters.Sum(parameter => parameter.Checked));
                Interlocked.Add(ref kinks, report.Parameters.Sum(parameter => parameter.Kinks));
            },
            iter: 150);

        // 28 beside 129,592 were found in 3,000 graphs; in four of them a parameter lay wholly at kinks.
        Assert.InRange(kinks, 0, compared / 100);
    }

    [Fact]
    public void Any_split_of_the_slices_into_passes_and_waves_gives_the_same_bits() =>
        Gen.Select(RandomGraphs.Models, Losses, Gen.Int[1, 1000], Gen.Int[1, 6].HashSet[0, 4], Gen.Int[0, 3]).Sample(
            (model, loss, seed, cuts, wave) =>
            {
                (Graph graph, Dataset data, Arena parameters) = Make(model, loss, seed);
                int[] bounds = [0, .. cuts.Order(), 7];
                SliceRange[] shards = [.. bounds.Zip(bounds.Skip(1), (from, to) => new SliceRange(from, to - from))];
                int? waveSlices = wave == 0 ? null : 1 << (wave - 1);
                TestBed.Pass whole = TestBed.Train(graph, loss, data, parameters, SliceSize);
                whole.AssertSameBits(TestBed.Train(graph, loss, data, parameters, SliceSize, shards, waveSlices: waveSlices));
            },
            iter: 150);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Any_waves_of_every_module_give_the_same_bits(int model)
    {
        const int Slices = 19;
        Graph graph = EveryModule.Build(model);
        Dataset data = EveryModule.Data(model, graph, (8 * Slices) - 3);
        Arena parameters = TestBed.Parameters(graph);
        TestBed.Pass whole = TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, 8);
        foreach (int? waveSlices in (int?[])[1, 2, 4, null])
        {
            foreach (int cut in (int[])[0, 3, 8])
            {
                SliceRange[] shards = cut == 0 ? [new(0, Slices)] : [new(0, cut), new(cut, Slices - cut)];
                whole.AssertSameBits(TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, 8, shards, threads: 1 + (cut % 2), waveSlices: waveSlices));
            }
        }
    }

    [Fact]
    public void Every_vector_width_gives_the_same_bits() =>
        Gen.Select(RandomGraphs.Models, Losses, Gen.Int[1, 1000]).Sample(
            (model, loss, seed) =>
            {
                (Graph graph, Dataset data, Arena parameters) = Make(model, loss, seed);
                TestBed.Pass widest = TestBed.Train(graph, loss, data, parameters, SliceSize);
                foreach (VectorUnit unit in VectorUnit.Available())
                {
                    widest.AssertSameBits(TestBed.Train(graph, loss, data, parameters, SliceSize, unit));
                }
            },
            iter: 60);

    [Fact]
    public void Every_number_of_threads_gives_the_same_bits() =>
        Gen.Select(RandomGraphs.Models, Losses, Gen.Int[1, 1000]).Sample(
            (model, loss, seed) =>
            {
                (Graph graph, Dataset data, Arena parameters) = Make(model, loss, seed);
                TestBed.Pass one = TestBed.Train(graph, loss, data, parameters, SliceSize);
                foreach (int threads in (int[])[2, 4])
                {
                    one.AssertSameBits(TestBed.Train(graph, loss, data, parameters, SliceSize, threads: threads));
                }
            },
            iter: 40,
            threads: 1);

    [Fact]
    public void Each_output_has_one_user_and_each_node_stands_after_its_inputs() =>
        RandomGraphs.Models.Sample(
            model =>
            {
                Graph graph = Graph.Build(model, new Shape(RandomGraphs.Width));
                int[] inputs = [.. graph.Nodes.SelectMany(node => node.Inputs)];
                Assert.Equal(inputs.Length, inputs.Distinct().Count());
                Assert.DoesNotContain(graph.OutputValue, inputs);
                Assert.Equal(graph.Values.Length - 1, inputs.Length);
                for (int index = 0; index < graph.Nodes.Length; index++)
                {
                    Assert.All(graph.Nodes[index].Inputs, input => Assert.True(graph.Values[input].Producer < index));
                }
            },
            iter: 300);

    private static (Graph Graph, Dataset Data, Arena Parameters) Make(ModelDefinition model, LossOptions loss, int seed)
    {
        Shape shape = new(RandomGraphs.Width);
        Graph graph = Graph.Build(model, shape, loss);
        return (graph, TestBed.RandomClasses(shape, Samples, RandomGraphs.Width, seed), TestBed.Parameters(graph, (ulong)seed));
    }
}
