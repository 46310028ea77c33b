using System.Collections.Immutable;
using CsCheck;
using DistNet.Graphs;
using DistNet.Modules;

namespace DistNet.Tests.Graphs;

/// <summary>Random DAGs of layers, norms, sums, products, maxima, pools, blocks, fan-outs, shared weights and Selects, all of one width, ending in a linear layer.</summary>
internal static class RandomGraphs
{
    public const int Width = 5;

    public static readonly Gen<ModelDefinition> Models = Gen.Int[1, int.MaxValue].Select(Of);

    /// <summary>The graph of a seed.</summary>
    public static ModelDefinition Of(int seed) => Model(new Random(seed), depth: 0);

    private static ModelDefinition Model(Random random, int depth)
    {
        List<NodeDefinition> nodes = [];
        List<string> values = [ModelDefinition.InputName];
        int count = random.Next(2, 7);
        for (int index = 0; index < count; index++)
        {
            string name = $"n{index}";
            Module module = Choose(random, depth);
            int inputs = module is Add or Multiply ? random.Next(2, 4) : module is Max ? 2 : 1;
            ImmutableArray<string> sources = [.. Enumerable.Range(0, inputs).Select(_ => values[random.Next(values.Count)])];
            NodeDefinition? owner = nodes.Find(node => node.Shares is null && node.Module is Linear other && module is Linear own && other.HasBias == own.HasBias);
            nodes.Add(new NodeDefinition(name, module, sources) { Shares = random.Next(2) == 0 ? owner?.Name : null });
            values.Add(name);
        }

        // What nobody has used yet goes into the end, so that nothing dangles.
        HashSet<string> used = [.. nodes.SelectMany(node => node.Inputs)];
        ImmutableArray<string> loose = [.. nodes.Select(node => node.Name).Where(name => !used.Contains(name))];
        string last = loose[0];
        if (loose.Length > 1)
        {
            nodes.Add(new NodeDefinition("sum", new Add(), loose));
            last = "sum";
        }

        nodes.Add(new NodeDefinition("out", new Linear(Width), [last]));

        // The order of declaration says nothing.
        NodeDefinition[] declared = [.. nodes];
        random.Shuffle(declared);
        return new ModelDefinition([.. declared], "out");
    }

    // A window of three that gives as many values as it takes.
    private static Module Pool(Random random) => random.Next(2) == 0
        ? new MaxPool2d((1, 3), stride: 1, padding: (0, 1))
        : new AvgPool2d((1, 3), stride: 1, padding: (0, 1), countIncludePadding: random.Next(2) == 0);

    private static Module Choose(Random random, int depth) => random.Next(depth < 2 ? 20 : 19) switch
    {
        0 or 1 => new Linear(Width, bias: random.Next(2) == 0),
        2 => new Relu(),
        3 => new Tanh(),
        4 => new Sigmoid(),
        5 => new Softplus(),
        6 => new SoftMax(),
        7 => new LogSoftMax(),
        8 => new Dropout(0.3),
        9 => new Add(),
        10 => new Max(),
        11 => random.Next(3) switch
        {
            0 => new LayerNorm(epsilon: 0.1, affine: random.Next(2) == 0),
            1 => new GroupNorm(random.Next(2) == 0 ? 1 : Width, epsilon: 0.1, affine: random.Next(2) == 0),
            _ => new BatchNorm(epsilon: 0.1, affine: random.Next(2) == 0),
        },
        12 => new Multiply(),
        13 => new Gelu(),
        14 => new Silu(),
        15 => new LeakyRelu(0.2),
        16 => new Block(ModelDefinition.Chain(new Reshape(1, 1, -1), Pool(random), new Flatten())),
        17 => new Block(new([new("end", new Columns(3, 2), ["input"]), new("start", new Columns(0, 3), ["input"]), new("all", new Concat(), ["end", "start"])], "all")),
        18 => new Block(ModelDefinition.Residual([new Linear(Width), new Tanh()], random.Next(2) == 0 ? [] : [new Linear(Width)])),
        _ when random.Next(2) == 0 => new Select(SelectRule.ArgMax(1, 3), [Model(random, depth + 1), Model(random, depth + 1), Model(random, depth + 1)]),
        _ => new Select(SelectRule.Threshold(random.Next(Width), 0.1f), [Model(random, depth + 1), Model(random, depth + 1)]),
    };
}
