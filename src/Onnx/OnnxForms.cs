using DistNet.Graphs;
using DistNet.Modules;

namespace DistNet.Onnx;

/// <summary>The table of what each module is in ONNX. Each form adds operations and returns the name of the output.</summary>
internal static class OnnxForms
{
    private static readonly Dictionary<Type, Func<Module, OnnxNode, string>> Forms = new()
    {
        [typeof(Linear)] = (_, node) => node.Add("Gemm", [node.Input, .. node.Parameters], ("transB", 1)),
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
        [typeof(Reshape)] = (_, node) => node.Reshape(node.Input, [.. node.OutputShape.Dimensions.Select(dimension => (long)dimension)]),
        [typeof(MaxPool2d)] = (module, node) => PoolForms.Max((MaxPool2d)module, node),
        [typeof(AvgPool2d)] = (module, node) => PoolForms.Average((AvgPool2d)module, node),
        [typeof(GlobalAveragePool)] = (_, node) => PoolForms.Global(node),
        [typeof(Add)] = Same("Sum"),
        [typeof(Max)] = Same("Max"),
        [typeof(Duplicate)] = Nothing,
        [typeof(Normalization)] = (module, node) => Normalize((Normalization)module, node),
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
