using DistNet.Graphs;
using DistNet.Modules;

namespace DistNet.Onnx;

/// <summary>The table of what each module is in ONNX. Each form adds operations and returns the name of the output.</summary>
internal static class OnnxForms
{
    private static readonly Dictionary<Type, Func<Module, OnnxNode, string>> Forms = new()
    {
        [typeof(Linear)] = (_, node) => node.Add("Gemm", [node.Input, .. node.Parameters], ("transB", 1)),
        [typeof(Conv2d)] = (module, node) => ConvolutionForm.Write((Conv2d)module, node),
        [typeof(Relu)] = Same("Relu"),
        [typeof(Sigmoid)] = Same("Sigmoid"),
        [typeof(Tanh)] = Same("Tanh"),
        [typeof(Softplus)] = Same("Softplus"),
        [typeof(SoftMax)] = (_, node) => node.Add("Softmax", [node.Input], ("axis", -1)),
        [typeof(LogSoftMax)] = (_, node) => node.Add("LogSoftmax", [node.Input], ("axis", -1)),
        [typeof(Dropout)] = Nothing,
        [typeof(RandomCrop)] = Nothing,
        [typeof(RandomFlip)] = Nothing,
        [typeof(Cutout)] = Nothing,
        [typeof(Flatten)] = (_, node) => node.Add("Flatten", [node.Input], ("axis", 1)),
        [typeof(LeakyRelu)] = (module, node) => node.Add("LeakyRelu", [node.Input], ("alpha", (float)((LeakyRelu)module).Slope)),
        [typeof(Gelu)] = (_, node) => Gelu(node),
        [typeof(Silu)] = (_, node) => node.Add("Mul", [node.Input, node.Add("Sigmoid", [node.Input])]),
        [typeof(Multiply)] = (_, node) => node.Inputs.Skip(1).Aggregate(node.Input, (product, input) => node.Add("Mul", [product, input])),
        [typeof(Concat)] = (_, node) => node.Add("Concat", node.Inputs, ("axis", 1)),
        [typeof(Columns)] = (module, node) => Columns((Columns)module, node),
        [typeof(Embedding)] = (_, node) => Embedding(node),
        [typeof(Reshape)] = (_, node) => node.Reshape(node.Input, [.. node.OutputShape.Dimensions.Select(dimension => (long)dimension)]),
        [typeof(MaxPool2d)] = (module, node) => PoolForms.Max((MaxPool2d)module, node),
        [typeof(AvgPool2d)] = (module, node) => PoolForms.Average((AvgPool2d)module, node),
        [typeof(GlobalAveragePool)] = (_, node) => PoolForms.Global(node),
        [typeof(Add)] = Same("Sum"),
        [typeof(Max)] = Same("Max"),
        [typeof(Duplicate)] = Nothing,
        [typeof(Normalization)] = (module, node) => Normalize((Normalization)module, node),
        [typeof(BatchNorm)] = (module, node) => BatchNormalize((BatchNorm)module, node),
        [typeof(LayerNorm)] = (module, node) => LayerNormalize((LayerNorm)module, node),
        [typeof(GroupNorm)] = (module, node) => GroupNormalize((GroupNorm)module, node),
        [typeof(Route)] = Nothing,
        [typeof(Merge)] = (_, node) => SelectForm.Write(node),
    };

    /// <summary>Adds a node's operations and returns the name of its output.</summary>
    /// <exception cref="DistNetException">Its module has no form in ONNX.</exception>
    public static string Write(GraphNode node, OnnxNode operations) => Forms.TryGetValue(node.Module.GetType(), out Func<Module, OnnxNode, string>? form)
        ? form(node.Module, operations)
        : throw DistNetException.BadInput($"The node '{node.Name}' ({node.Module.Kind}) cannot be exported: ONNX has no operation for a module of one's own.");

    // No operation: the output is the input.
    private static string Nothing(Module module, OnnxNode node) => node.Input;

    // One operation of the same inputs.
    private static Func<Module, OnnxNode, string> Same(string operation) => (_, node) => node.Add(operation, node.Inputs);

    // As in evaluation: the running statistics are constants.
    private static string BatchNormalize(BatchNorm module, OnnxNode node)
    {
        IEnumerable<string> scales = module.Affine ? [] : [Ones(node, node.InputShape[0]), node.Floats("bias", new float[node.InputShape[0]], node.InputShape[0])];
        return node.Add("BatchNormalization", [node.Input, .. scales, .. node.Parameters], ("epsilon", (float)module.Epsilon));
    }

    private static string LayerNormalize(LayerNorm module, OnnxNode node)
    {
        long[] normalised = [.. node.InputShape.Dimensions.TakeLast(module.NormalizedDimensions).Select(dimension => (long)dimension)];
        IEnumerable<string> scales = module.Affine ? node.Parameters : [Ones(node, normalised)];
        return node.Add("LayerNormalization", [node.Input, .. scales], ("axis", -module.NormalizedDimensions), ("epsilon", (float)module.Epsilon));
    }

    // Each group as a channel of an instance normalisation; then weight and bias of the true channels.
    private static string GroupNormalize(GroupNorm module, OnnxNode node)
    {
        string groups = node.Reshape(node.Input, module.Groups, -1);
        string normalised = node.Add("InstanceNormalization", [groups, Ones(node, module.Groups), node.Floats("bias", new float[module.Groups], module.Groups)], ("epsilon", (float)module.Epsilon));
        string output = node.Reshape(normalised, [.. node.InputShape.Dimensions.Select(dimension => (long)dimension)]);
        if (!module.Affine)
        {
            return output;
        }

        string shape = node.Integers("channels", [.. node.InputShape.Dimensions.Select((dimension, index) => index == 0 ? (long)dimension : 1)]);
        string scaled = node.Add("Mul", [output, node.Add("Reshape", [node.Parameter("weight"), shape])]);
        return node.Add("Add", [scaled, node.Add("Reshape", [node.Parameter("bias"), shape])]);
    }

    private static string Ones(OnnxNode node, params long[] dimensions)
    {
        float[] ones = new float[dimensions.Aggregate(1L, (product, dimension) => product * dimension)];
        Array.Fill(ones, 1);
        return node.Floats("weight", ones, dimensions);
    }

    // x · ½ (1 + erf(x / √2)).
    private static string Gelu(OnnxNode node)
    {
        string erf = node.Add("Erf", [node.Add("Mul", [node.Input, node.Floats("root", [0.70710678f], 1)])]);
        string half = node.Floats("half", [0.5f], 1);
        return node.Add("Mul", [node.Input, node.Add("Add", [node.Add("Mul", [erf, half]), half])]);
    }

    private static string Columns(Columns columns, OnnxNode node) => node.Add(
        "Slice", [node.Input, node.Integers("first", columns.First), node.Integers("end", columns.First + columns.Count), node.Integers("axis", 1)]);

    // Codes come as floats.
    private static string Embedding(OnnxNode node)
    {
        string codes = node.Add("Cast", [node.Input], ("to", (int)Wire.TensorProto.Types.DataType.Int64));
        return node.Add("Flatten", [node.Add("Gather", [node.Parameter("weight"), codes], ("axis", 0))], ("axis", 1));
    }

    // One constant per value, or per channel and then shared by its pixels.
    private static string Normalize(Normalization module, OnnxNode node)
    {
        long[] dimensions = [1, .. node.InputShape.Dimensions.Select(dimension => (long)dimension)];
        if (module.Mean.Length != node.InputShape.Length)
        {
            for (int i = 1; i < dimensions.Length; i++)
            {
                dimensions[i] = i == 1 ? module.Mean.Length : 1;
            }
        }

        float[] divisors = [.. module.Deviation.Select(deviation => Math.Max(deviation, module.Epsilon))];
        string centred = node.Add("Sub", [node.Input, node.Floats("mean", module.Mean.AsSpan(), dimensions)]);
        return node.Add("Div", [centred, node.Floats("divisor", divisors, dimensions)]);
    }
}
