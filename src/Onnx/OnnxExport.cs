using System.Reflection;
using DistNet.Graphs;
using DistNet.Interchange;
using DistNet.Onnx.Wire;
using DistNet.Tensors;
using DistNet.Training;
using Google.Protobuf;

namespace DistNet.Onnx;

/// <summary>Writes a trained model as an ONNX file, for use: as it evaluates, the normalisation of its inputs inside, dropout left out.</summary>
/// <remarks>
/// One input, <c>input</c> of [batch, …the shape of a sample], and one output, <c>output</c> of [batch, …]: what the model gives to its loss (logits, or a regression's
/// values). The batch is of any size. Nodes bear the names of the model's nodes and initializers those of its parameters, <c>fc1.weight</c>.
/// </remarks>
public static class OnnxExport
{
    /// <summary>The version of the operator set (<c>ai.onnx</c>) that the files ask for.</summary>
    public const int Opset = 17;

    /// <summary>The name of the input.</summary>
    public const string InputName = "input";

    /// <summary>The name of the output.</summary>
    public const string OutputName = "output";

    // The version of the format that came with the operator set.
    private const int FormatVersion = 8;

    // Protocol buffers end at 2 GiB; what is no parameter stays far below the rest.
    private const long MaximumParameterBytes = int.MaxValue - (1 << 24);

    /// <summary>Writes a model.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="model">The model.</param>
    /// <exception cref="DistNetException">It has a module that has no form in ONNX (one of the user's own), or is too large for one file.</exception>
    public static void Write(Stream stream, TrainedModel model)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(model);
        if (model.Graph.Layout.ParameterCount * sizeof(float) > MaximumParameterBytes)
        {
            throw DistNetException.BadInput($"The model has {model.Graph.Layout.ParameterCount} parameters; expected at most {MaximumParameterBytes / sizeof(float)}, as an ONNX file ends at 2 GiB.");
        }

        Of(model).WriteTo(stream);
    }

    internal static ModelProto Of(TrainedModel model)
    {
        ModelProto file = Of(model.Graph, model.Parameters);
        foreach ((string key, string value) in ModelMetadata.Of(model.Info))
        {
            Add(file, key, value);
        }

        Add(file, "loss", Jobs.JobFile.ValueText(Jobs.JobKeys.All.First(key => key.Path == "loss.kind"), model.Job).Trim('"'));
        Add(file, "parameters_sha256", Checkpoints.Digest.Parameters(model.Parameters));
        return file;
    }

    internal static ModelProto Of(Graph graph, Arena parameters) => new()
    {
        IrVersion = FormatVersion,
        ProducerName = "DistNet",
        ProducerVersion = typeof(OnnxExport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
        OpsetImport = { new OperatorSetIdProto { Domain = "", Version = Opset } },
        Graph = new OnnxWriter(graph, parameters).Write(),
    };

    private static void Add(ModelProto file, string key, string value) => file.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });
}
