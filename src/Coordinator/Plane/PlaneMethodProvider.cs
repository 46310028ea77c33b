using DistNet.Protocol.Plane;
using Grpc.AspNetCore.Server.Model;

namespace DistNet.Coordinator.Plane;

/// <summary>Tells gRPC which method serves which call; generated code would do the same, but not with our marshaller.</summary>
internal sealed class PlaneMethodProvider : IServiceMethodProvider<TensorPlaneService>
{
    /// <inheritdoc/>
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<TensorPlaneService> context)
    {
        context.AddDuplexStreamingMethod(TensorPlaneMethods.Attend, [], (service, requests, replies, call) => service.Attend(requests, replies, call));
        context.AddUnaryMethod(TensorPlaneMethods.Describe, [], (service, request, call) => service.Describe(request, call));
        context.AddServerStreamingMethod(TensorPlaneMethods.GetParameters, [], (service, request, replies, call) => service.GetParameters(request, replies, call));
        context.AddClientStreamingMethod(TensorPlaneMethods.PutGradient, [], (service, requests, call) => service.PutGradient(requests, call));
        context.AddServerStreamingMethod(TensorPlaneMethods.GetData, [], (service, request, replies, call) => service.GetData(request, replies, call));
        context.AddUnaryMethod(TensorPlaneMethods.Status, [], (service, request, call) => service.Status(request, call));
    }
}
