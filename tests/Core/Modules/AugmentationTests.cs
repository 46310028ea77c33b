using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Randomness;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Modules;

/// <summary>Random crops, flips and cutouts: which pixels they move, for whom, how often, and what goes back.</summary>
public sealed class AugmentationTests
{
    private const int Statistics = 20_000;

    private static readonly Shape[] Shapes = [new(1, 1), new(1, 4), new(5, 2), new(7, 9), new(1, 6, 6), new(3, 5, 8), new(2, 17, 16)];

    /// <summary>Augmentations at the front, and behind parameters, so that they have gradients.</summary>
    internal static readonly ModelDefinition AllThree = ModelDefinition.Chain(
        new RandomCrop(2), new RandomFlip(), new Cutout(3), new Gain(), new RandomCrop(1), new RandomFlip(0.7), new Cutout(2), new Flatten(), new Linear(4));

    [Fact]
    public void A_crop_is_cut_out_of_the_padded_image_at_every_size_and_padding()
    {
        foreach (Shape shape in Shapes)
        {
            for (int padding = 0; padding < Math.Min(shape[shape.Rank - 1], shape[shape.Rank - 2]); padding++)
            {
                foreach ((float[] image, uint first, uint second, float[] output) in Run(new RandomCrop(padding), "randomcrop1", shape, 60))
                {
                    float[] expected = Plain.Crop(image, shape, padding, KeyedRandom.Below(first, (2 * padding) + 1), KeyedRandom.Below(second, (2 * padding) + 1));
                    Assert.Equal(expected, output);
                }
            }
        }
    }

    [Fact]
    public void A_flip_mirrors_every_row_or_none()
    {
        foreach (Shape shape in Shapes)
        {
            foreach (double probability in (double[])[0, 0.25, 0.5, 1])
            {
                foreach ((float[] image, uint first, _, float[] output) in Run(new RandomFlip(probability), "randomflip1", shape, 60))
                {
                    bool mirrored = first / 4294967296.0 < probability;
                    Assert.Equal(mirrored ? [.. image.Chunk(shape[shape.Rank - 1]).SelectMany(row => row.Reverse())] : image, output);
                }
            }
        }
    }

    [Fact]
    public void A_cutout_clears_a_square_that_is_clipped_at_the_edges()
    {
        foreach (Shape shape in Shapes)
        {
            for (int size = 1; size <= Math.Min(shape[shape.Rank - 1], shape[shape.Rank - 2]); size++)
            {
                foreach ((float[] image, uint first, uint second, float[] output) in Run(new Cutout(size), "cutout1", shape, 60))
                {
                    Assert.Equal(Plain.Cutout(image, shape, size, KeyedRandom.Below(first, shape[shape.Rank - 2]), KeyedRandom.Below(second, shape[shape.Rank - 1])), output);
                }
            }
        }
    }

    [Fact]
    public void In_evaluation_images_pass_as_they_are()
    {
        Shape shape = new(2, 6, 7);
        Dataset data = TestBed.RandomClasses(shape, 5, 2);
        Graph graph = Graph.Build(ModelDefinition.Chain(new RandomCrop(3), new RandomFlip(1), new Cutout(6)), shape);
        float[] inputs = new float[5 * shape.Length];
        data.CopyInputs([0, 1, 2, 3, 4], inputs);
        Assert.Equal(inputs, TestBed.Predict(graph, data, TestBed.Parameters(graph)));
    }

    [Fact]
    public void What_is_done_depends_on_seed_step_place_and_name_alone()
    {
        Shape shape = new(8, 8);
        float[] one = Pixels(shape);
        float[] Of(ulong seed = 1, long step = 2, int place = 3, string name = "crop")
        {
            List<float[]> seen = [];
            Train(new ModelDefinition([new(name, new RandomCrop(7), ["input"]), new("probe", new Probe(seen), [name]), new("flat", new Flatten(), ["probe"]), new("out", new Linear(1), ["flat"])], "out"), shape, one, 1, seed, step, place);
            return seen[0];
        }

        Assert.Equal(Of(), Of());
        Assert.NotEqual(Of(), Of(seed: 2));
        Assert.NotEqual(Of(), Of(step: 3));
        Assert.NotEqual(Of(), Of(place: 4));
        Assert.NotEqual(Of(), Of(name: "other"));
    }

    [Fact]
    public void Shifts_are_uniform_in_both_directions_and_independent()
    {
        const int Padding = 2;
        int[,] counts = new int[5, 5];
        foreach ((_, uint first, uint second, float[] output) in Run(new RandomCrop(Padding), "randomcrop1", new Shape(5, 5), Statistics))
        {
            // The middle of the output shows the pixel whose number tells where it came from.
            int source = (int)output[12] - 1;
            counts[source / 5, source % 5]++;
            Assert.Equal((KeyedRandom.Below(first, 5), KeyedRandom.Below(second, 5)), (source / 5, source % 5));
        }

        AssertUniform([.. counts.Cast<int>()]);
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.1)]
    public void Images_are_mirrored_as_often_as_asked(double probability)
    {
        int mirrored = Run(new RandomFlip(probability), "randomflip1", new Shape(1, 2), Statistics).Count(sample => sample.Output[0] == 2);
        double deviation = Math.Sqrt(Statistics * probability * (1 - probability));
        Assert.InRange(mirrored, (Statistics * probability) - (4 * deviation), (Statistics * probability) + (4 * deviation));
    }

    [Fact]
    public void Squares_are_centred_at_every_pixel_alike()
    {
        int[] counts = new int[4 * 6];
        foreach ((_, _, _, float[] output) in Run(new Cutout(1), "cutout1", new Shape(4, 6), Statistics))
        {
            counts[Array.IndexOf(output, 0f)]++;
        }

        AssertUniform(counts);
    }

    [Fact]
    public void Gradients_agree_with_central_differences()
    {
        Shape shape = new(2, 5, 6);
        Graph graph = Graph.Build(AllThree, shape);
        Dataset data = TestBed.RandomClasses(shape, 13, 4);
        GradientCheckReport report = GradientCheck.Run(graph, TestBed.CrossEntropy, TestBed.Input(data), TestBed.Parameters(graph).Span, sliceSize: 4);
        Assert.True(report.Passed, string.Join("; ", report.Parameters));
        Assert.True(report.Parameters[0].LargestGradient > 1e-3);
    }

    [Fact]
    public void Threads_widths_and_splits_give_the_same_bits()
    {
        Shape shape = new(2, 5, 6);
        Graph graph = Graph.Build(AllThree.WithNormalization(new Normalization([0.5f, -1], [2, 0.1f])), shape);
        Dataset data = TestBed.RandomClasses(shape, 39, 4);
        Arena parameters = TestBed.Parameters(graph);
        TestBed.Pass one = TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, sliceSize: 4);
        foreach (VectorUnit unit in VectorUnit.Available())
        {
            foreach (int threads in (int[])[1, 2, 4])
            {
                one.AssertSameBits(TestBed.Train(graph, TestBed.CrossEntropy, data, parameters, 4, [new SliceRange(0, 3), new SliceRange(3, 6), new SliceRange(9, 1)], unit, threads));
            }
        }
    }

    [Fact]
    public void A_normalisation_stands_behind_the_augmentations_at_the_front()
    {
        Shape shape = new(1, 3, 3);
        List<float[]> seen = [];
        ModelDefinition model = ModelDefinition.Chain(new Cutout(2), new RandomFlip(), new Probe(seen), new Flatten(), new Linear(1)).WithNormalization(new Normalization([3], [2]));
        Assert.Equal(["cutout1", "randomflip1", "normalize", "probe1", "flatten1", "fc1"], Graph.Build(model, shape).Nodes.Select(node => node.Name));
        Train(model, shape, [.. Enumerable.Repeat(5f, 9)], 1, 1, 0, 0);
        Assert.Equal([-1.5f, 1f], seen[0].Distinct().Order());
    }

    [Fact]
    public void A_normalisation_stands_before_everything_that_shares_the_sample_with_an_augmentation()
    {
        ModelDefinition shared = new([new("crop", new RandomCrop(1), ["input"]), new("sum", new Add(), ["crop", "input"]), new("flat", new Flatten(), ["sum"]), new("out", new Linear(1), ["flat"])], "out");
        Assert.Equal(["normalize"], Normalized(shared)["crop"]);
        Assert.Equal(["crop", "normalize"], Normalized(shared)["sum"]);

        ModelDefinition forked = new([new("sum", new Add(), ["flip", "crop"]), new("flip", new RandomFlip(), ["crop"]), new("crop", new RandomCrop(1), ["input"]), new("flat", new Flatten(), ["sum"]), new("out", new Linear(1), ["flat"])], "out");
        Assert.Equal(["input"], Normalized(forked)["crop"]);
        Assert.Equal(["normalize"], Normalized(forked)["flip"]);
        Assert.Equal(["flip", "normalize"], Normalized(forked)["sum"]);

        ModelDefinition alone = ModelDefinition.Chain(new RandomCrop(1), new RandomFlip()).WithNormalization(new Normalization([0], [1]));
        Assert.Equal("normalize", alone.Output);
        Assert.Equal(["randomflip1"], alone.Nodes[0].Inputs);
        Graph.Build(alone, new Shape(3, 3));

        static Dictionary<string, ImmutableArray<string>> Normalized(ModelDefinition model)
        {
            ModelDefinition normalized = model.WithNormalization(new Normalization([0], [1]));
            Graph.Build(normalized, new Shape(3, 3));
            return normalized.Nodes.ToDictionary(node => node.Name, node => node.Inputs);
        }
    }

    [Fact]
    public void What_does_not_fit_is_told_in_a_sentence()
    {
        Assert.Equal("A random-crop module has the padding -1; it must be at least 0.", Assert.Throws<DistNetException>(() => new RandomCrop(-1)).Message);
        Assert.Equal("A random-flip module has the probability NaN; it must be at least 0 and at most 1.", Assert.Throws<DistNetException>(() => new RandomFlip(double.NaN)).Message);
        Assert.Equal("A cutout module has the size 0; it must be at least 1.", Assert.Throws<DistNetException>(() => new Cutout(0)).Message);
        Assert.Equal(
            "Node 'randomcrop1' (random-crop) does not fit: its padding is 4, so that nothing might be left of an image of 4×9; expected less than 4.", Failure(new RandomCrop(), new Shape(3, 4, 9)));
        Assert.Equal("Node 'cutout1' (cutout) does not fit: its size is 5, but its images are 9×4; expected at most 4.", Failure(new Cutout(5), new Shape(3, 9, 4)));
        Assert.Equal(
            "Node 'randomflip1' (random-flip) does not fit: its input has the shape [12], but a random-flip takes images, [channels, height, width] or [height, width]; put a reshape before it.", Failure(new RandomFlip(), new Shape(12)));

        static string Failure(Module module, Shape shape) => Assert.Throws<DistNetException>(() => Graph.Build(ModelDefinition.Chain(module), shape)).Message;
    }

    // Pearson's χ², which has as many degrees of freedom as there are cells less one, so this mean and twice it as variance.
    private static void AssertUniform(int[] counts)
    {
        double expected = counts.Average();
        double squares = counts.Sum(count => (count - expected) * (count - expected) / expected);
        int freedom = counts.Length - 1;
        Assert.InRange(squares, freedom - (4 * Math.Sqrt(2 * freedom)), freedom + (4 * Math.Sqrt(2 * freedom)));
    }

    // Every pixel a number of its own, from 1.
    private static float[] Pixels(Shape shape, int images = 1) => [.. Enumerable.Range(0, images * shape.Length).Select(i => (float)(1 + (i % shape.Length)) + (i / shape.Length % 7 * 1000))];

    // Some images through one augmentation: each with the random words of its place and its output.
    private static IEnumerable<(float[] Image, uint First, uint Second, float[] Output)> Run(Augmentation module, string name, Shape shape, int images)
    {
        bool numbered = images == Statistics;
        float[] inputs = numbered ? [.. Enumerable.Repeat(Pixels(shape), images).SelectMany(image => image)] : Pixels(shape, images);
        List<float[]> seen = [];
        Train(ModelDefinition.Chain(module, new Probe(seen), new Flatten(), new Linear(1)), shape, inputs, images, seed: 11, step: 5, slice: 2);
        for (int i = 0; i < images; i++)
        {
            Philox.Block(11, 0, (uint)((2 * images) + i), 5, KeyedRandom.Stream(RandomPurpose.Augmentation, name), out uint first, out uint second, out _, out _);
            yield return (inputs[(i * shape.Length)..((i + 1) * shape.Length)], first, second, seen[i]);
        }
    }

    private static void Train(ModelDefinition model, Shape shape, float[] inputs, int images, ulong seed, long step, int slice)
    {
        Graph graph = Graph.Build(model, shape);
        using ThreadTeam team = new(1, "test");
        GraphExecution execution = new(graph, TestBed.MeanSquares, images, 1, VectorUnit.Widest, team);
        PassInput input = new()
        {
            Data = TestBed.Regression(shape, inputs, new float[images]),
            Samples = Enumerable.Range(0, images).ToArray(),
            Seed = seed,
            Step = step,
            FirstPlace = slice * images,
        };
        execution.Train(input, TestBed.Parameters(graph).Span, [new SumNode(0, slice)], [new float[graph.Layout.ArenaLength]], new NodeMetrics[1]);
    }

    /// <summary>Keeps what passes through.</summary>
    private sealed class Probe(List<float[]> seen) : Module
    {
        public override string Kind => "probe";

        public override Shape OutputShape(ImmutableArray<Shape> inputs) => inputs[0];

        public override void Forward(ForwardContext context)
        {
            context.Input(0).CopyTo(context.Output);
            foreach (float[] row in context.Input(0).ToArray().Chunk(context.OutputShape.Length))
            {
                seen.Add(row);
            }
        }

        public override void Backward(BackwardContext context) => context.OutputGradient.CopyTo(context.InputGradient(0));
    }

    /// <summary>The same, as the papers say it, pixel by pixel.</summary>
    private static class Plain
    {
        public static float[] Crop(float[] image, Shape shape, int padding, int top, int left)
        {
            (int channels, int height, int width) = Sizes(shape);
            float[] cut = new float[image.Length];
            for (int channel = 0; channel < channels; channel++)
            {
                float[,] padded = new float[height + (2 * padding), width + (2 * padding)];
                for (int i = 0; i < height * width; i++)
                {
                    padded[padding + (i / width), padding + (i % width)] = image[(channel * height * width) + i];
                }

                for (int i = 0; i < height * width; i++)
                {
                    cut[(channel * height * width) + i] = padded[top + (i / width), left + (i % width)];
                }
            }

            return cut;
        }

        public static float[] Cutout(float[] image, Shape shape, int size, int centreY, int centreX)
        {
            (int _, int height, int width) = Sizes(shape);
            float[] cut = [.. image];
            for (int i = 0; i < cut.Length; i++)
            {
                int y = i / width % height - (centreY - (size / 2));
                int x = (i % width) - (centreX - (size / 2));
                cut[i] = y >= 0 && y < size && x >= 0 && x < size ? 0 : cut[i];
            }

            return cut;
        }

        private static (int Channels, int Height, int Width) Sizes(Shape shape) => (shape.Rank == 3 ? shape[0] : 1, shape[shape.Rank - 2], shape[shape.Rank - 1]);
    }
}
