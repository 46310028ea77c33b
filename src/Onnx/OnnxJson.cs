using System.Text.Json.Serialization;

namespace DistNet.Onnx;

/// <summary>Lists of names as the metadata hold them.</summary>
[JsonSerializable(typeof(IEnumerable<string>))]
internal sealed partial class OnnxJson : JsonSerializerContext;
