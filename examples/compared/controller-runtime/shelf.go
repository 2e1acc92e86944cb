// The controller of ../shelf.ts with sigs.k8s.io/controller-runtime 0.19. Not run here.
// The CustomResourceDefinition, the deep copies and the role come from the markers, by controller-gen; what it generates is not counted.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/scheme"
)

const finalizer = "example.com/shelf"

type ShelfSpec struct {
	// How many there shall be.
	// +kubebuilder:validation:Minimum=0
	Cards int `json:"cards"`
}

type ShelfStatus struct {
	// How many there are.
	Cards int `json:"cards,omitempty"`
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=shelves
type Shelf struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ShelfSpec   `json:"spec"`
	Status            ShelfStatus `json:"status,omitempty"`
}

// +kubebuilder:object:root=true
type ShelfList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Shelf `json:"items"`
}

type Reconciler struct {
	client.Client
	Scheme *runtime.Scheme
	Root   string
}

// +kubebuilder:rbac:groups=example.com,resources=shelves,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=example.com,resources=shelves/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch;create;update;delete
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=get;create;update
// +kubebuilder:rbac:groups="",resources=events,verbs=create;patch

func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var shelf Shelf
	if err := r.Get(ctx, req.NamespacedName, &shelf); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	place := filepath.Join(r.Root, string(shelf.UID))

	if !shelf.DeletionTimestamp.IsZero() {
		if !controllerutil.ContainsFinalizer(&shelf, finalizer) {
			return ctrl.Result{}, nil
		}
		if err := os.RemoveAll(place); err != nil {
			return ctrl.Result{}, err
		}
		controllerutil.RemoveFinalizer(&shelf, finalizer)
		return ctrl.Result{}, client.IgnoreNotFound(r.Update(ctx, &shelf))
	}
	if controllerutil.AddFinalizer(&shelf, finalizer) {
		if err := r.Update(ctx, &shelf); err != nil {
			return ctrl.Result{}, err
		}
	}

	if err := os.MkdirAll(place, 0o755); err != nil {
		return ctrl.Result{}, err
	}
	wanted := map[string]bool{}
	for card := 0; card < shelf.Spec.Cards; card++ {
		config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("%s-%d", shelf.Name, card), Namespace: shelf.Namespace,
		}}
		wanted[config.Name] = true
		if _, err := controllerutil.CreateOrUpdate(ctx, r.Client, config, func() error {
			config.Data = map[string]string{"card": strconv.Itoa(card)}
			return controllerutil.SetControllerReference(&shelf, config, r.Scheme)
		}); err != nil {
			return ctrl.Result{}, err
		}
	}

	var configs corev1.ConfigMapList
	if err := r.List(ctx, &configs, client.InNamespace(shelf.Namespace)); err != nil {
		return ctrl.Result{}, err
	}
	for i := range configs.Items {
		config := &configs.Items[i]
		if !metav1.IsControlledBy(config, &shelf) || wanted[config.Name] {
			continue
		}
		if err := r.Delete(ctx, config, client.Preconditions{UID: &config.UID}); client.IgnoreNotFound(err) != nil {
			return ctrl.Result{}, err
		}
	}

	before := shelf.DeepCopy()
	shelf.Status.Cards = shelf.Spec.Cards
	meta.SetStatusCondition(&shelf.Status.Conditions, metav1.Condition{
		Type: "Ready", Status: metav1.ConditionTrue, Reason: "AllThere", ObservedGeneration: shelf.Generation,
		Message: fmt.Sprintf("%d cards", shelf.Spec.Cards),
	})
	if equality.Semantic.DeepEqual(before.Status, shelf.Status) {
		return ctrl.Result{}, nil
	}
	return ctrl.Result{}, r.Status().Patch(ctx, &shelf, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

func main() {
	types := runtime.NewScheme()
	builder := &scheme.Builder{GroupVersion: schema.GroupVersion{Group: "example.com", Version: "v1"}}
	builder.Register(&Shelf{}, &ShelfList{})
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, builder.AddToScheme} {
		if err := add(types); err != nil {
			panic(err)
		}
	}
	manager, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{
		Scheme: types, LeaderElection: true, LeaderElectionID: "shelf.example.com",
	})
	if err != nil {
		panic(err)
	}
	reconciler := &Reconciler{Client: manager.GetClient(), Scheme: types, Root: "shelves"}
	if err := ctrl.NewControllerManagedBy(manager).For(&Shelf{}).Owns(&corev1.ConfigMap{}).Complete(reconciler); err != nil {
		panic(err)
	}
	if err := manager.Start(ctrl.SetupSignalHandler()); err != nil {
		panic(err)
	}
}
