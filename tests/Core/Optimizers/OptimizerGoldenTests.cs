using System.Text.Json;
using DistNet.Kernels;
using DistNet.Optimizers;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Optimizers;

/// <summary>Against PyTorch: tests/goldens/optimizers.py made the file, and says with which version.</summary>
public sealed class OptimizerGoldenTests
{
    // Of the largest parameter. PyTorch rounds after other operations (it fuses none): measured at most 6e-7, ten half ulps, after 100 steps.
    private const double Tolerance = 1e-6;

    private static readonly Lazy<JsonDocument> Golden = new(() => JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Goldens", "optimizers.json"))));

    private static readonly Layout Layout = new([("fc.weight", new Shape(5, 7), ParameterRole.Weight), ("fc.bias", new Shape(6), ParameterRole.Bias)]);

    public static IEnumerable<ITheoryDataRow> Names =>
        Golden.Value.RootElement.GetProperty("optimizers").EnumerateArray().Select(golden => new TheoryDataRow<string>(golden.GetProperty("name").GetString()!));

    [Fact]
    public void The_golden_file_says_which_PyTorch_made_it() =>
        Assert.StartsWith("1.13", Golden.Value.RootElement.GetProperty("torch").GetString(), StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Names))]
    public void A_hundred_steps_agree_with_PyTorch(string name)
    {
        JsonElement golden = Golden.Value.RootElement.GetProperty("optimizers").EnumerateArray().Single(candidate => candidate.GetProperty("name").GetString() == name);
        OptimizerCase row = Case(name, golden.GetProperty("job"));
        using Crew crew = new(1, "golden");
        ParameterUpdate update = new(Layout, row.Optimizer, row.Regularization, VectorUnit.Widest, crew);
        Fill(update.Parameters[Layout.Entries[0]], new ExactGenerator(1), 1);
        Fill(update.Parameters[Layout.Entries[1]], new ExactGenerator(2), 1);
        ExactGenerator gradients = new(3);
        Job job = new() { Model = new([], ""), Optimizer = row.Optimizer };
        TrainingState state = new();
        int compared = 0;
        for (int step = 1; step <= 100; step++)
        {
            Arena gradient = new(Layout);
            float scale = (step % 4) switch { 0 => 0.25f, 1 => 0.5f, 2 => 1, _ => 2 };
            Fill(gradient[Layout.Entries[0]], gradients, scale);
            Fill(gradient[Layout.Entries[1]], gradients, scale);
            UpdateOutcome outcome = update.Apply([new NodeGradient(new SumNode(0, 0), gradient.Memory)], 1, 1, 1, row.Optimizer.LearningRate, state);
            state = TrainingRules.AfterStep(job, new(1000, 1, 1, 1), state, default, applied: true);
            string key = FormattableString.Invariant($"{step}");
            if (golden.GetProperty("parameters").TryGetProperty(key, out JsonElement parameters))
            {
                AssertClose(parameters, update.Parameters);
                compared++;
            }

            if (golden.GetProperty("norms").TryGetProperty(key, out JsonElement norm))
            {
                Assert.Equal(norm.GetDouble(), outcome.GradientNorm, norm.GetDouble() * 1e-6);
                Assert.Equal(norm.GetDouble() > row.Optimizer.ClipNorm, outcome.Clipped);
            }
        }

        Assert.Equal(4, compared);
        Assert.Equal(golden.GetProperty("slots").EnumerateObject().Select(slot => slot.Name), update.Slots.Select(slot => slot.Name));
        foreach (OptimizerSlot slot in update.Slots)
        {
            AssertClose(golden.GetProperty("slots").GetProperty(slot.Name), slot.Values);
        }
    }

    private static void AssertClose(JsonElement expected, Arena actual)
    {
        double[] values = [.. expected.EnumerateArray().Select(value => value.GetDouble())];
        float[] ours = [.. actual[Layout.Entries[0]], .. actual[Layout.Entries[1]]];
        double largest = values.Max(Math.Abs);
        Assert.Equal(values.Length, ours.Length);
        for (int i = 0; i < ours.Length; i++)
        {
            Assert.Equal(values[i], ours[i], Tolerance * largest);
        }
    }

    private static OptimizerCase Case(string name, JsonElement job)
    {
        double Number(string key, double otherwise = 0) => job.TryGetProperty(key, out JsonElement value) ? value.GetDouble() : otherwise;
        bool Flag(string key) => job.TryGetProperty(key, out JsonElement value) && value.GetBoolean();
        OptimizerOptions options = new()
        {
            Kind = Enum.Parse<OptimizerKind>(job.GetProperty("kind").GetString()!, ignoreCase: true),
            LearningRate = Number("learningRate"),
            Momentum = Number("momentum"),
            Nesterov = Flag("nesterov"),
            WeightDecay = Number("weightDecay"),
            DecayBiases = Flag("decayBiases"),
            Beta1 = Number("beta1", 0.9),
            Beta2 = Number("beta2", 0.999),
            Epsilon = Number("epsilon", 1e-8),
            ClipNorm = job.TryGetProperty("clipNorm", out JsonElement clip) ? clip.GetDouble() : null,
            EmaDecay = job.TryGetProperty("emaDecay", out JsonElement decay) ? decay.GetDouble() : null,
        };
        return new(name, options, new() { L1 = Number("l1"), L2 = Number("l2") });
    }

    private static void Fill(Span<float> values, ExactGenerator generator, float scale)
    {
        foreach (ref float value in values)
        {
            value = generator.Next() * scale;
        }
    }

    // The generator of optimizers.py: multiples of 1/1024 in [−1, 1].
    private sealed class ExactGenerator(uint seed)
    {
        private uint x = seed;

        public float Next()
        {
            x = unchecked((1664525 * x) + 1013904223);
            return (((x >> 8) % 2049) - 1024f) / 1024f;
        }
    }
}
